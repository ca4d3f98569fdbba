"""Our token ids and offsets against Hugging Face tokenizers, on thousands of strings that try to break either.

    tokenizer_oracle.py ORACLE_DUMP TINY_MODEL
"""

import json
import random
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer

WORDS = "the miller's DON'T we'LL it'S I'Ve attention router full sparse window number special def return 'tis ''s".split()
SPACES = list(" \t\n\r\v\f") + ["\r\n", "\n\n", "  ", "\u0085", "\u00a0", "\u1680", "\u180e", "\u2003", "\u2028", "\u202f", "\u200b", "\u3000", "\ufeff"]
MARKS = ["e\u0301", "\u0301", "\u0323\u0307", "a\u0308\u0300", "\u1100\u1161\u11a8", "\ud7a3", "\u0915\u094d\u0937\u093f", "ſ", "K", "ß", "ﬁ", "İ", "ǅ"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "❤️", "🤷🏽‍♀️"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_", "endoftext|>", "<|<|im_end|>|>", "<|endoftext|><|endoftext|>", "<|unused300|>"]
ODD = ["\0", "\x01", "\x7f", "\uffff", "\ufffe", "\U0010ffff", "\U000e0001", "\ue000", "\u202e", "٣", "Ⅷ", "²", "½", "中文", "русский", "العربية", "ไทย", "'", "\"", "\\", "_", "...", "--", "=>"]


def assigned():
    """Code points that have been what they are since Unicode 3.2: the two regular expression engines may differ in version."""
    return [chr(c) for c in range(0x110000) if unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Cs", "Co")]


def texts():
    chance = random.Random(11)
    letters = assigned()
    yield from ["", " ", "  ", "\n", "a", *SPACES, *MARKS, *EMOJI, *SPECIAL, *ODD]
    yield from [" " * 5000, "\n" * 3000, "a" * 5000, "é" * 2000, "1" * 3000, "'s" * 1000, "😀" * 500, " \n" * 1000 + " x", "\t" * 999 + "x"]
    pools = [WORDS, WORDS, SPACES, SPACES, MARKS, EMOJI, SPECIAL, ODD, letters, list("0123456789"), list("abcxyzABC"), list(".,;:!?()[]{}")]
    for _ in range(4000):
        yield "".join(chance.choice(chance.choice(pools)) for _ in range(chance.randrange(1, 40)))
    for _ in range(500):
        yield "".join(chance.choice(letters) for _ in range(chance.randrange(1, 60)))
    for _ in range(500):
        yield " ".join(chance.choice(WORDS) for _ in range(chance.randrange(1, 60)))


def char_ranges(text, offsets):
    """Byte offsets to the ranges of characters that hold them, as tokenizers has them."""
    begin_of, end_of = {}, {}
    place = 0
    for index, char in enumerate(text):
        size = len(char.encode())
        for byte in range(size):
            begin_of[place + byte] = index
            end_of[place + byte + 1] = index + 1
        place += size
    return [(begin_of[a], end_of[b]) for a, b in zip(offsets, offsets[1:])]


def main():
    dump, tiny = sys.argv[1:]
    asked = list(texts())
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([tiny, folder], check=True)
        theirs = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps(asked))
        ours = json.loads(subprocess.run([dump, "tokenize", folder, str(file)], check=True, capture_output=True).stdout)
    assert len(ours) == len(asked)
    wrong = 0
    for text, mine in zip(asked, ours, strict=True):
        expected = theirs.encode(text, add_special_tokens=False)
        same = mine["ids"] == expected.ids and mine["same"] and mine["offsets"][-1] == len(text.encode())
        if same and char_ranges(text, mine["offsets"]) == [tuple(o) for o in expected.offsets]:
            continue
        wrong += 1
        if wrong <= 10:
            print(f"{text[:60]!r}\n  ours   {mine['ids'][:20]} {mine['offsets'][:20]}\n  theirs {expected.ids[:20]} {expected.offsets[:20]}")
    print(f"{len(asked)} texts, {wrong} differ")
    assert wrong == 0


main()
