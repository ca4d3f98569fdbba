"""Strings that try to break a tokenizer: hostile Unicode, white space, digits, contractions, added tokens, long runs."""

import unicodedata

WORDS = "the miller's DON'T we'LL it'S I'Ve attention router full sparse window number special def return 'tis ''s naïvō wōrd one two".split()
SPACES = list(" \t\n\r\v\f") + ["\r\n", "\n\n", "\n\r", "  ", "\u0085", "\u00a0", "\u1680", "\u180e", "\u2003", "\u2028", "\u202f", "\u200b", "\u3000", "\ufeff"]
MARKS = ["e\u0301", "\u0301", "\u0323\u0307", "a\u0308\u0300", "a\u0323\u0302", "\u1100\u1161\u11a8", "\u1161", "\u11a8", "\uac00\u11a8", "\ud7a3", "\u0915\u094d\u0937\u093f", "\u09c7\u09be",
         "ſ", "K", "Å", "Ω", "ß", "ﬁ", "İ", "ǅ", "\u0344", "\u0958", "\u2126", "\ufb1d", "\u1e9b\u0323", "ﷺ", "①", "㎏", "½"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "❤️", "🤷🏽‍♀️"]
ADDED = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_", "endoftext|>", "<|<|im_end|>|>", "<mask>", " <mask>", "<tail>", "<tail> ", "<both>", " <both> ", "wōrd", "wo\u0304rd", "xwōrd", "wōrdx",
         "naïvō é", "nai\u0308vo\u0304 e\u0301", "\n\n\n", "one two", "one  two", "<s>", "</s>", "<unk>", "<0x0A>", "▁", "▁▁", "▁the", "Ġ", "Ċ"]
ODD = ["\0", "\x01", "\x7f", "\uffff", "\ufffe", "\U0010ffff", "\U000e0001", "\ue000", "\U000f0001", "\u202e", "\u2066", "\u200d", "\u200c", "\ufffd", "\U00050000", "\U0009abcd", "٣", "Ⅷ", "²", "中文", "русский",
       "العربية", "עברית", "ไทย", "한국어", "日本語", "ελληνικά", "'", "\"", "\\", "_", "...", "--", "=>"]
CONTRACTIONS = [mark + letters for mark in ("'", "’") for letters in ("s", "S", "t", "T", "re", "RE", "Re", "ve", "VE", "m", "M", "ll", "LL", "lL", "d", "D", "ſ")]
BYTES = [b"\xff", b"\xfe", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf0\x9f", b"\xe2\x96", b"\xe0\x80\x80", b"a", b" ", "é".encode(), "😀".encode(), b"\n", b"<|im_end|>"]


def assigned():
    """Code points that are what they are since Unicode 3.2: the libraries' tables are of different versions."""
    return [chr(c) for c in range(0x110000) if unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Cs", "Co")]


LETTERS = assigned()
POOLS = [WORDS, WORDS, SPACES, SPACES, MARKS, MARKS, EMOJI, ADDED, ADDED, ODD, LETTERS, CONTRACTIONS, list("0123456789"), list("0123456789"), list("abcxyzABC"), list(".,;:!?()[]{}")]


def long_texts():
    yield "a" * 100_000
    yield "".join(WORDS) * 900  # 100 KB without a space
    yield from (c * 4000 for c in (" ", "▁", "\n", "é", "1", "'s", "😀", " \n", "e\u0301", "\u0301", "<mask> "))
    yield "\t" * 999 + "x"


def corpus(chance):
    """What the vocabularies are learned from."""
    for _ in range(3000):
        yield " ".join(chance.choice(WORDS) for _ in range(12))
    for _ in range(3000):
        yield "".join(chance.choice(chance.choice([WORDS, SPACES[:8], MARKS, EMOJI, ODD[-14:], CONTRACTIONS, list("0123456789"), list(".,;: ")])) for _ in range(20))


def texts(chance, count):
    yield from ["", "a", "  ", *SPACES, *MARKS, *EMOJI, *ADDED, *ODD, *CONTRACTIONS]
    yield from long_texts()
    for _ in range(count * 7 // 10):
        yield "".join(chance.choice(chance.choice(POOLS)) for _ in range(chance.randrange(1, 24)))
    for _ in range(count * 2 // 10):
        yield "".join(chance.choice(LETTERS) for _ in range(chance.randrange(1, 24)))
    for _ in range(count // 10):
        yield " ".join(chance.choice(WORDS) for _ in range(chance.randrange(1, 30)))


def broken(chance, count):
    """Bytes that are no UTF-8."""
    for _ in range(count):
        yield b"".join(chance.choice(BYTES) for _ in range(chance.randrange(1, 12)))
