"""What the oracles of whole models share: Hugging Face transformers' logits, and the published router in a few lines."""

import json
import os
import subprocess
import sys

try:
    import torch
except ImportError as missing:
    # The cpu flavour has LibTorch without the CUDA libraries that Python's torch wants at import.
    print(f"skipped: PyTorch does not load here ({missing}); FLUXSCOPE_CUDA=1 ./test.sh brings what it needs")
    sys.exit(77)

torch.set_num_threads(1)  # models so small are slower on more

LOGIT_TOLERANCE = 1e-4  # of the row's largest absolute logit
ROUTER_TOLERANCE = 1e-5  # of p_full
TOP_MARGIN = 1e-3  # between the two best logits: below it either token is right
DECISION_MARGIN = 1e-4


def dumped(dump, *arguments):
    """What oracle-dump prints, which says on stderr what went wrong."""
    done = subprocess.run([dump, *map(str, arguments)], stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, f"oracle-dump {' '.join(map(str, arguments))} ended with {done.returncode}"
    return json.loads(done.stdout)


def logit_error(mine, theirs):
    """The largest difference of a row, in parts of that row's largest absolute logit; over all rows the worst."""
    mine = torch.tensor(mine)
    assert mine.shape == theirs.shape, (mine.shape, theirs.shape)
    assert mine.isfinite().all()
    return ((mine - theirs).abs().amax(dim=1) / theirs.abs().amax(dim=1)).max().item()


def record_queries(model):
    """{layer: [tokens, heads, dim]} of the last prompt, after q-norm where there is one and before RoPE."""
    queries = {}
    for index, layer in enumerate(model.model.layers):
        attention = layer.self_attn
        normed = hasattr(attention, "q_norm")

        def keep(_, __, out, index=index, dim=attention.head_dim):
            queries[index] = out[0].reshape(out.shape[1], -1, dim)

        (attention.q_norm if normed else attention.q_proj).register_forward_hook(keep)
    return queries


def full_probability(tensor, pool, layer, queries):
    """p_full as published. `tensor(name)` gives a router's weights, queries is [tokens, heads, dim]."""

    def linear(name, x):
        prefix = f"model.layers.{layer}.self_attn.mask_allocator.{name}"
        return tensor(prefix + ".weight") @ x + tensor(prefix + ".bias")

    x = torch.cat([queries[:pool], queries[-pool:]]).mean(dim=0).mean(dim=0)
    x = linear("cls_feat_extractor.2", torch.nn.functional.silu(linear("cls_feat_extractor.0", x)))
    x = torch.nn.functional.silu(linear("cls_router_head_agnostic.0", x))
    x = torch.nn.functional.silu(linear("cls_router_head_agnostic.2", x))
    logits = linear("cls_router_head_agnostic.4", x)
    return (torch.sigmoid(logits)[0] if len(logits) == 1 else torch.softmax(logits, dim=-1)[1]).item()


def probability_of(logits):
    """p_full of the two logits that oracle-dump prints."""
    return torch.softmax(torch.tensor(logits, dtype=torch.float64), dim=0)[1].item()
