"""The tokenizer that we learn against Hugging Face tokenizers: the same merges as its own trainer learns, and the same ids.

    bpe_oracle.py BPE_LEARN TOKENIZER_DUMP
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

sys.path.insert(0, str(Path(__file__).parent.parent / "engine" / "oracle"))
import tokenizer_texts  # noqa: E402

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def corpora(chance):
    """Words again and again; everything that breaks tokenizers; ties and runs of one letter."""
    words = [" ".join(chance.choice(tokenizer_texts.WORDS) for _ in range(200)) for _ in range(40)]
    odd = list(tokenizer_texts.corpus(chance))
    ties = ["ab cd ab cd ef ef aaaa aaa aaaaaaa bbbbb abab ababab\n" * 3, "x" * 300, "the theme then\tthat 12345 -- --- ----"]
    return {"words": (words, 340), "odd": (odd, 1500), "ties": (ties, 280)}


def learned_there(expression, texts, vocabulary):
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(expression), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    theirs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary - len(SPECIALS), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    theirs.train_from_iterator(texts, trainer)
    return json.loads(theirs.to_str())["model"]


def main():
    learn, dump = sys.argv[1:]
    chance = random.Random(5)
    asked = list(tokenizer_texts.texts(chance, 1500))
    for name, (texts, vocabulary) in corpora(chance).items():
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{i}.txt" for i in range(len(texts))]
            for file, text in zip(files, texts):
                file.write_bytes(text.encode())
            done = subprocess.run([learn, str(vocabulary), *SPECIALS, "--", *map(str, files)], check=True, stdout=subprocess.PIPE)
            tokenizer = Path(folder) / "tokenizer.json"
            tokenizer.write_bytes(done.stdout)
            ours = json.loads(done.stdout)

            expression = ours["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
            model = learned_there(expression, texts, vocabulary)
            merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model["merges"]]
            mine = [tuple(m) for m in ours["model"]["merges"]]
            differ = next((i for i, (a, b) in enumerate(zip(mine, merges)) if a != b), min(len(mine), len(merges)))
            assert mine == merges, f"{name}: merge {differ} of {len(mine)}/{len(merges)} differs: {mine[differ:differ + 3]}, there {merges[differ:differ + 3]}"
            assert ours["model"]["vocab"] == model["vocab"], f"{name}: the vocabularies differ"

            theirs = Tokenizer.from_file(str(tokenizer))
            assert theirs.get_vocab_size() == vocabulary, (theirs.get_vocab_size(), vocabulary)
            question = Path(folder) / "question.json"
            question.write_text(json.dumps({"texts": asked, "ids": []}))
            answers = json.loads(subprocess.run([dump, tokenizer, question], check=True, stdout=subprocess.PIPE).stdout)["texts"]
            there = theirs.encode_batch(asked, add_special_tokens=False)
            wrong = [text for text, answer, encoding in zip(asked, answers, there, strict=True) if answer["ids"] != encoding.ids]
            assert not wrong, f"{name}: the ids of {len(wrong)} texts differ, first {wrong[0][:60]!r}"
            print(f"{name}: {len(mine)} merges, {len(asked)} texts, all the same")


main()
