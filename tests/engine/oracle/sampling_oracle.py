"""What may be drawn, and how probable each is: ours against transformers' own steps, in the order in which it applies them.

    sampling_oracle.py CHAT_DUMP
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import GenerationConfig
from transformers.generation.logits_process import LogitsProcessorList, MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

NEAR = 1e-6  # of a probability


def cases():
    chance = random.Random(5)
    make = torch.Generator().manual_seed(5)
    for i in range(600):
        size = chance.choice([3, 17, 300, 5000]) if i else 151936
        logits = torch.randn(size, generator=make) * chance.choice([0.3, 2, 6])
        if i % 5 == 1:  # ties
            logits = (logits * 2).round() / 2
        if i % 7 == 2:
            logits[torch.randperm(size, generator=make)[: size // 3]] = -float("inf")
        options = {"temperature": chance.choice([1, 0.7, 0.1, 1.9])}
        if chance.random() < 0.5:
            options["top_k"] = chance.choice([1, 2, 20, 50, 400])
        if chance.random() < 0.5:
            options["top_p"] = chance.choice([0.05, 0.5, 0.9, 0.95, 0.999])
        if chance.random() < 0.4:
            options["min_p"] = chance.choice([0.02, 0.1, 0.5, 1])
        if chance.random() < 0.4:
            options["repetition_penalty"] = chance.choice([1.1, 1.5, 0.8])
        yield logits, [chance.randrange(size) for _ in range(chance.choice([0, 1, 40]))], options


def steps(options):
    """As GenerationMixin._get_logits_processor puts them together."""
    order = [
        ("repetition_penalty", RepetitionPenaltyLogitsProcessor), ("temperature", TemperatureLogitsWarper), ("top_k", lambda k: TopKLogitsWarper(top_k=k)),
        ("top_p", lambda p: TopPLogitsWarper(top_p=p)), ("min_p", lambda p: MinPLogitsWarper(min_p=p)),
    ]
    return LogitsProcessorList(make(float(options[name]) if name != "top_k" else options[name]) for name, make in order if name in options)


def finite(logits):
    """JSON has no infinity; numbers so low that they are one in effect stand in for it, in both."""
    return torch.where(torch.isinf(logits), torch.tensor(-3e38), logits)


def main():
    asked = [(finite(logits), history, options) for logits, history, options in cases()]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "work.json"
        file.write_text(json.dumps([{"logits": logits.tolist(), "history": history, "options": options} for logits, history, options in asked]))
        ours = json.loads(subprocess.run([sys.argv[1], "sample", str(file)], check=True, capture_output=True).stdout)

    wrong = edges = 0
    worst = 0.0
    for (logits, history, options), mine in zip(asked, ours, strict=True):
        # In double precision behind the single-precision steps, as ours; only thresholds are met in single precision there.
        scores = steps(options)(torch.tensor([history], dtype=torch.long), logits[None].clone())[0]
        theirs = torch.softmax(scores.double(), -1)
        kept = {i: p for i, p in enumerate(theirs.tolist()) if p > 0}
        found = {i: p for i, p in mine if p > 0}
        # Of tokens as probable as the last one kept, torch's sort keeps any: only how many there are can be compared.
        least = min(kept.values()) * (1 + 1e-5)
        above = {i for i in kept if kept[i] > least} == {i for i in found if found[i] > least}
        if not above or len(kept) != len(found):
            # A token on the very edge of top-p or min-p: sums in single precision may fall on its other side.
            lost = sum(kept.get(i, 0) for i in set(kept) - set(found)) + sum(found[i] for i in set(found) - set(kept))
            few = len(set(kept) ^ set(found)) <= max(1, len(kept) // 50)
            if few and lost < 2e-2 and ("top_p" in options or "min_p" in options):
                edges += 1
                continue
        difference = max(abs(a - b) for a, b in zip(sorted(kept.values()), sorted(found.values())))
        worst = max(worst, difference)
        if not above or len(kept) != len(found) or difference > NEAR:
            wrong += 1
            print(f"{len(logits)} logits, {options}: {len(kept)} kept there, {len(found)} here, largest difference {difference:.2g}")
    print(f"{len(asked)} distributions, largest difference {worst:.2g}, {edges} with a token on the edge of a threshold, {wrong} differ")
    assert wrong == 0 and edges <= len(asked) // 50

    usual = GenerationConfig(do_sample=True)
    assert (usual.temperature, usual.top_k, usual.top_p, usual.min_p) in [(1.0, 50, 1.0, None), (None, None, None, None)], "transformers' defaults have moved: engine/contract/sampling.cpp"


main()
