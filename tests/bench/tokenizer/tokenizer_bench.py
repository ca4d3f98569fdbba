"""Megabytes a second, ours against Hugging Face tokenizers: one text, one thread, one machine, one run.

    tokenizer_bench.py TOKENIZER_DUMP [MEGABYTES]       build/release/tests/bin/tokenizer-dump, 10 megabytes

A row for each family and kind of text. Vocabularies are learned here from the text itself, 1,400 tokens, so that words take
more merges than with a published file.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
root = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(root / "tests/engine/oracle"))

from tokenizer_families import families  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402


def prose(size):
    """The repository's own sources and documents, paragraphs shuffled, until it is enough."""
    files = sorted(p for folder in ("docs", "engine", "profiler", "views", "app") for p in (root / folder).rglob("*") if p.suffix in (".md", ".h", ".cpp"))
    paragraphs = [paragraph for file in files for paragraph in file.read_text().split("\n\n")]
    chance = random.Random(5)
    text, length = [], 0
    while length < size:
        paragraph = chance.choice(paragraphs)
        text.append(paragraph)
        length += len(paragraph.encode()) + 2
    return "\n\n".join(text)


def numbers(size):
    chance = random.Random(6)
    return " ".join(f"{chance.random() * 10 ** chance.randrange(6):.4f}" for _ in range(size // 10))


def main():
    dump = sys.argv[1]
    size = int(float(sys.argv[2]) * 1e6) if len(sys.argv) > 2 else 10_000_000
    learned = prose(500_000)
    texts = {"prose": prose(size), "numbers": numbers(size), "no space": "".join(prose(150_000).split())[:100_000]}
    print(f"{'family':10} {'text':9} {'bytes':>10} {'tokens':>9} {'ours MB/s':>10} {'theirs MB/s':>12} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for family, content in families(learned.split("\n\n")).items():
            if family not in ("gpt2", "llama3", "qwen", "llama2", "mistral"):
                continue
            file = Path(folder) / "tokenizer.json"
            file.write_text(json.dumps(content))
            theirs = Tokenizer.from_file(str(file))
            for name, text in texts.items():
                place = Path(folder) / "text"
                place.write_text(text)
                ours = json.loads(subprocess.run([dump, str(file), str(place), "bench"], check=True, capture_output=True).stdout)
                began = time.perf_counter()
                ids = theirs.encode(text, add_special_tokens=False).ids
                seconds = time.perf_counter() - began
                assert len(ids) == ours["tokens"]
                mb = len(text.encode()) / 1e6
                print(f"{family:10} {name:9} {len(text.encode()):10} {len(ids):9} {mb / ours['seconds']:10.2f} {mb / seconds:12.2f} {seconds / ours['seconds']:6.1f}", flush=True)


main()
