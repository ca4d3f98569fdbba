"""Our tokens, their places and their text against Hugging Face tokenizers, for each family and on thousands of strings.

    tokenizer_oracle.py TOKENIZER_DUMP TINY_MODEL
"""

import json
import random
import subprocess
import sys
import tempfile
import unicodedata
from itertools import accumulate
from pathlib import Path

import tokenizer_texts
from tokenizer_families import families, shredders
from tokenizers import Tokenizer

STRINGS = 20_500  # a family
VARIANTS = {"tiny-model", "gpt2-prefix", "qwen3.5", "metaspace-always", "metaspace-never"}  # of families: a part of the strings
FORMS = {"NFC", "NFD", "NFKC", "NFKD"}


class Comparison:
    def __init__(self, name, file):
        self.name, self.file, self.wrong, self.compared, self.explained = name, file, 0, 0, 0
        self.theirs = Tokenizer.from_file(file)
        self.json = json.loads(Path(file).read_text())

    def ask(self, dump, folder, texts, lists=()):
        question = Path(folder) / "question.json"
        question.write_text(json.dumps({"texts": [list(t) if isinstance(t, bytes) else t for t in texts], "ids": list(lists)}))
        return json.loads(subprocess.run([dump, self.file, str(question)], check=True, capture_output=True).stdout)

    def fail(self, what, *facts):
        self.wrong += 1
        if self.wrong <= 5:
            print(f"{self.name}: {what}", *(f"  {fact}" for fact in facts), sep="\n")

    def forms_change(self, text):
        normalizer = json.dumps(self.json["normalizer"])
        return any(f'"{form}"' in normalizer and unicodedata.normalize(form, text) != text for form in FORMS)

    def text(self, text, ours, theirs, decoded, shown):
        self.compared += 1
        if ours["ids"] != theirs.ids:
            return self.fail("ids differ", repr(text[:80]), ours["ids"][:30], theirs.ids[:30], theirs.tokens[:30])
        if ours["decoded"].encode("latin-1").decode("utf-8", "replace") != decoded or ours["streamed"] != shown:
            return self.fail("text differs", repr(text[:80]), repr(ours["decoded"][:80]), repr(decoded[:80]), repr(ours["streamed"][:80]), repr(shown[:80]))
        flat = ours["ranges"]
        if text.isascii():
            mine = list(zip(flat[::2], flat[1::2]))
        else:  # characters: the one that a place begins in, and the one behind the last that it reaches into
            character, index = [], -1
            for byte in text.encode():
                index += byte & 0xC0 != 0x80
                character.append(index)
            character.append(index + 1)
            mine = [(character[a], character[b - 1] + 1 if b > a else character[a]) for a, b in zip(flat[::2], flat[1::2])]
        if mine == theirs.offsets:
            return None
        # What a normal form makes of several characters covers them all here, and there the first; reordered marks come from
        # where they stood.
        if self.forms_change(text):
            cluster = list(accumulate((unicodedata.combining(c) == 0 for c in text), initial=0))
            if all(cluster[a + 1] == cluster[c + 1] and (d <= b or cluster[b] == cluster[d]) for (a, b), (c, d) in zip(mine, theirs.offsets)):
                self.explained += 1
                return None
        return self.fail("places differ", repr(text[:80]), mine[:20], theirs.offsets[:20], theirs.tokens[:20])

    def texts(self, dump, folder, texts, lists=()):
        answer = self.ask(dump, folder, texts, lists)
        theirs = self.theirs.encode_batch(texts, add_special_tokens=False)
        for text, ours in zip(texts[:100], answer["texts"]):
            if ours["special"] != self.theirs.encode(text).ids:
                self.fail("ids with those around them differ", repr(text), ours["special"])
        decoded = self.theirs.decode_batch([e.ids for e in theirs], skip_special_tokens=False)
        shown = self.theirs.decode_batch([e.ids for e in theirs], skip_special_tokens=True)
        for item in zip(texts, answer["texts"], theirs, decoded, shown, strict=True):
            self.text(*item)
        for ids, ours, text, shown in zip(lists, answer["ids"], self.theirs.decode_batch(lists, skip_special_tokens=False),
                                          self.theirs.decode_batch(lists, skip_special_tokens=True), strict=True):
            if ours["decoded"].encode("latin-1").decode("utf-8", "replace") != text or ours["streamed"] != shown:
                self.fail("text of ids differs", ids, repr(ours["decoded"]), repr(text), repr(ours["streamed"]), repr(shown))
        return answer["texts"]

    def lossless(self, texts, answers):
        for text, ours in zip(texts, answers, strict=True):
            raw = text if isinstance(text, bytes) else text.encode()
            if ours["decoded"].encode("latin-1") != raw:
                self.fail("the round trip is not exact", repr(text[:80]), repr(ours["decoded"][:80]))


def main():
    dump, tiny = sys.argv[1:]
    chance = random.Random(11)
    corpus = list(tokenizer_texts.corpus(chance))
    asked = list(tokenizer_texts.texts(chance, STRINGS))
    broken = list(tokenizer_texts.broken(chance, 500))
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([tiny, folder], check=True)
        files = {"tiny-model": str(Path(folder) / "tokenizer.json")}

        def write(name, content):
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(content))
            return str(file)

        for name, content in families(corpus).items():
            files[name] = write(name, content)
        for name, file in files.items():
            c = Comparison(name, file)
            byte_level = "ByteLevel" in json.dumps(c.json["pre_tokenizer"])
            # Ids of a byte-fallback model may spell half a character, which tokenizers and streams replace differently.
            known = [i for i in range(c.theirs.get_vocab_size()) if byte_level or not (c.theirs.id_to_token(i) or "").startswith("<0x")]
            lists = [[chance.choice(known) for _ in range(chance.randrange(1, 12))] for _ in range(500)]
            mine = asked[:200] + asked[-4000:] if name in VARIANTS else asked
            answers = c.texts(dump, folder, mine, lists)
            if byte_level and not c.json["normalizer"] and name != "gpt2-prefix":
                whole = [pair for pair in zip(mine, answers) if not any(taker in pair[0] for taker in ("<mask>", "<tail>", "<both>"))]
                c.lossless(*zip(*whole))
                c.lossless(broken, c.ask(dump, folder, broken)["texts"])
            if name == "llama2":  # but for added tokens, which take white space along, and a "▁" of the text's own
                plain = [t for t in asked if not any(token["content"] in t for token in c.json["added_tokens"]) and "▁" not in t]
                c.lossless(plain, c.ask(dump, folder, plain)["texts"])
                plain = [b"a" + t for t in broken if b"<|im" not in t and b"\n\n\n" not in t]
                c.lossless(plain, c.ask(dump, folder, plain)["texts"])
            print(f"{name}: {c.compared} texts, {c.wrong} differ, {c.explained} by the places of normal forms")
            wrong += c.wrong
        for name, content in shredders(corpus):
            c = Comparison(name, write("shredder", content))
            c.texts(dump, folder, asked[:160] + asked[-900:])
            if c.wrong:
                print(f"{name}: {c.wrong} of {c.compared} differ")
            wrong += c.wrong
    assert wrong == 0


main()
