"""Every architecture and option against Hugging Face transformers, with tiny random models that transformers writes.

    architectures_oracle.py ORACLE_DUMP TINY_MODEL [CASE...]

Policy full: the logits of every position within 1e-4 of the row's largest absolute one; 64 greedy tokens the same up to the first
step whose two best logits lie within 1e-3; routers inside a checkpoint: p_full within 1e-5, and the decisions that follow.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from architectures import CASES, read_tensors, reference_model, write
from reference import (
    DECISION_MARGIN,
    LOGIT_TOLERANCE,
    ROUTER_TOLERANCE,
    TOP_MARGIN,
    dumped,
    full_probability,
    logit_error,
    probability_of,
    record_queries,
    torch,
)
from transformers.utils import logging

GREEDY = 64


def prompts(seed):
    """One token, fewer than any window, more than all windows and than a chunk."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, 765, (length,), generator=generator).tolist() for length in (1, 7, 61, 123)]


def greedy_complaint(model, prompt, generated):
    """Reads our tokens back: each must be the best one after those before it. Empty when they are."""
    assert len(generated) == GREEDY, f"{len(generated)} tokens were generated"
    logits = model(torch.tensor([prompt + generated[:-1]])).logits[0, len(prompt) - 1 :]
    best, second = logits.topk(2, dim=-1).values.unbind(-1)
    for step, (margin, wanted) in enumerate(zip((best - second).tolist(), logits.argmax(dim=-1).tolist(), strict=True)):
        if margin < TOP_MARGIN:
            return ""
        if wanted != generated[step]:
            return f"greedy step {step} of a prompt of {len(prompt)} is {generated[step]}, not {wanted}"
    return ""


def router_complaints(case, folder, queries, result):
    tensors = read_tensors(folder)
    for layer, (logits, decision) in enumerate(zip(result["routers"], result["decisions"], strict=True)):
        theirs = full_probability(tensors.__getitem__, int(case.flux["pool_size"]), layer, queries[layer])
        mine = probability_of(logits)
        if abs(mine - theirs) > ROUTER_TOLERANCE:
            yield f"p_full of layer {layer} is {mine}, not {theirs}"
        if abs(theirs - 0.5) > DECISION_MARGIN and decision != int(theirs > 0.5):
            yield f"layer {layer} is decided {decision} where p_full is {theirs}"


def compare(case, folder, results, seed):
    """Prints one line; returns what is wrong."""
    model = reference_model(case, folder)
    queries = record_queries(model)
    complaints, worst, decided = [], 0.0, ""
    with torch.no_grad():
        for prompt, result in zip(prompts(seed), results, strict=True):
            error = logit_error(result["logits"], model(torch.tensor([prompt])).logits[0])
            worst = max(worst, error)
            if error > LOGIT_TOLERANCE:
                complaints.append(f"the logits of a prompt of {len(prompt)} differ by {error:.1e}")
            assert ("routers" in result) == bool(case.flux)
            if case.flux:
                complaints += router_complaints(case, folder, queries, result)
                decided += " " + "".join(map(str, result["decisions"]))
            if complaint := greedy_complaint(model, prompt, result["greedy"]):
                complaints.append(complaint)
    print(f"{case.name:<22} logits {worst:.1e}{decided} {'; '.join(complaints) or 'ok'}", flush=True)
    return complaints


def main():
    dump, tiny, *names = sys.argv[1:]
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    cases = [case for case in CASES if not names or case.name in names]
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        subprocess.run([tiny, place / "tokenizer"], check=True)
        asked = []
        for seed, case in enumerate(cases):
            write(case, place / case.name, place / "tokenizer", seed)
            asked.append({"model": str(place / case.name), "prompts": prompts(seed), "greedy": GREEDY})
        (place / "asked.json").write_text(json.dumps(asked))
        ours = dumped(dump, "models", place / "asked.json")
        wrong = [
            case.name
            for seed, (case, results) in enumerate(zip(cases, ours, strict=True))
            if compare(case, place / case.name, results, seed)
        ]
    assert not wrong, f"not as transformers computes: {', '.join(wrong)}"


main()
