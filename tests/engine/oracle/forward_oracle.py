"""The tiny model's logits against Hugging Face transformers, and its routers' against a few lines of PyTorch.

    forward_oracle.py ORACLE_DUMP TINY_MODEL

Policy full: every logit within 1e-4 of the row's largest absolute one; p_full of every layer within 1e-5.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from reference import (
    LOGIT_TOLERANCE,
    ROUTER_TOLERANCE,
    dumped,
    full_probability,
    logit_error,
    probability_of,
    record_queries,
    torch,
)
from safetensors import safe_open
from transformers import AutoModelForCausalLM


def prompts():
    """Shorter than the pool, between one and two pools, and long; every length with ids of its own."""
    generator = torch.Generator().manual_seed(3)
    return [torch.randint(0, 765, (length,), generator=generator).tolist() for length in (1, 5, 16, 23, 32, 100, 333)]


def main():
    dump, tiny = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([tiny, folder], check=True)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        asked = Path(folder) / "prompts.json"
        asked.write_text(json.dumps(prompts()))
        ours = dumped(dump, "forward", folder, asked)
        queries = record_queries(model)

        worst_logit = worst_router = 0.0
        with safe_open(Path(folder) / "router.safetensors", "pt") as router, torch.no_grad():
            pool = int(float(router.metadata()["pool_size"]))
            for ids, result in zip(prompts(), ours, strict=True):
                theirs = model(torch.tensor([ids])).logits[0]
                worst_logit = max(worst_logit, logit_error(result["logits"], theirs))
                assert len(result["routers"]) == len(model.model.layers)
                for layer, logits in enumerate(result["routers"]):
                    p_full = full_probability(router.get_tensor, pool, layer, queries[layer])
                    worst_router = max(worst_router, abs(probability_of(logits) - p_full))
    print(f"largest error: logits {worst_logit:.2e} of the row's largest, p_full {worst_router:.2e}")
    assert worst_logit <= LOGIT_TOLERANCE, "the logits differ from transformers'"
    assert worst_router <= ROUTER_TOLERANCE, "the routers differ from PyTorch's"


main()
