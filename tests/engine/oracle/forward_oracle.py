"""The tiny model's logits against Hugging Face transformers, and its routers' against a few lines of PyTorch.

    forward_oracle.py ORACLE_DUMP TINY_MODEL

Policy full: every logit within 1e-4 of the row's largest absolute one; p_full of every layer within 1e-5.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import torch
except ImportError as missing:
    # The cpu flavour has LibTorch without the CUDA libraries that Python's torch wants at import.
    print(f"skipped: PyTorch does not load here ({missing}); FLUXSCOPE_CUDA=1 ./test.sh brings what it needs")
    sys.exit(77)
from safetensors import safe_open
from transformers import AutoModelForCausalLM


def prompts():
    """Shorter than the pool, between one and two pools, and long; every length with ids of its own."""
    generator = torch.Generator().manual_seed(3)
    return [torch.randint(0, 765, (length,), generator=generator).tolist() for length in (1, 5, 16, 23, 32, 100, 333)]


def full_probability(router, layer, queries):
    """queries [tokens, heads, dim] after q-norm, before RoPE -> p_full, as published."""

    def linear(name, x):
        prefix = f"model.layers.{layer}.self_attn.mask_allocator.{name}"
        return router.get_tensor(prefix + ".weight") @ x + router.get_tensor(prefix + ".bias")

    pool = int(float(router.metadata()["pool_size"]))
    x = torch.cat([queries[:pool], queries[-pool:]]).mean(dim=0).mean(dim=0)
    x = linear("cls_feat_extractor.2", torch.nn.functional.silu(linear("cls_feat_extractor.0", x)))
    x = torch.nn.functional.silu(linear("cls_router_head_agnostic.0", x))
    x = torch.nn.functional.silu(linear("cls_router_head_agnostic.2", x))
    return torch.softmax(linear("cls_router_head_agnostic.4", x), dim=-1)[1].item()


def main():
    dump, tiny = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([tiny, folder], check=True)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        asked = Path(folder) / "prompts.json"
        asked.write_text(json.dumps(prompts()))
        ours = json.loads(subprocess.run([dump, "forward", folder, str(asked)], check=True, capture_output=True).stdout)

        queries = {}
        for index, layer in enumerate(model.model.layers):
            layer.self_attn.q_norm.register_forward_hook(lambda _, __, out, i=index: queries.__setitem__(i, out[0]))

        worst_logit = worst_router = 0.0
        with safe_open(Path(folder) / "router.safetensors", "pt") as router, torch.no_grad():
            for ids, result in zip(prompts(), ours, strict=True):
                theirs = model(torch.tensor([ids])).logits[0]
                mine = torch.tensor(result["logits"])
                assert mine.shape == theirs.shape, (mine.shape, theirs.shape)
                error = ((mine - theirs).abs().amax(dim=1) / theirs.abs().amax(dim=1)).max().item()
                worst_logit = max(worst_logit, error)
                assert len(result["routers"]) == len(model.model.layers)
                for layer, (sparse, full) in enumerate(result["routers"]):
                    mine_p = torch.softmax(torch.tensor([sparse, full], dtype=torch.float64), dim=0)[1].item()
                    worst_router = max(worst_router, abs(mine_p - full_probability(router, layer, queries[layer])))
    print(f"largest error: logits {worst_logit:.2e} of the row's largest, p_full {worst_router:.2e}")
    assert worst_logit <= 1e-4, "the logits differ from transformers'"
    assert worst_router <= 1e-5, "the routers differ from PyTorch's"


main()
