"""Every sparse mode against plain PyTorch: the modes as masks in transformers' own layers, written from the published rules.

    modes_oracle.py MODES_DUMP TINY_MODEL

The logits of every position within 1e-4 of the row's largest absolute one; XAttention's blocks identical but for ties.
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from reference import LOGIT_TOLERANCE, dumped, logit_error, torch
from transformers import AutoModelForCausalLM
from transformers.modeling_utils import AttentionInterface

BLOCK = 128
TIE = 1e-4  # of a row's weight
LENGTHS = (1, 2, 3, 129, 300, 700)
FORMS = (
    "streaming:sink=4,window=60",
    "streaming:sink=128,window=256,granularity=block",
    "streaming:sink=1,window=1,granularity=block",
    "triangle:sink=4,window=40,last=50",
    "triangle:sink=128,window=128,granularity=block,last=128",
    "xattention:threshold=0.5",
    "xattention:threshold=0.6,stride=8",
    "longformer:window=30,global=5",
    "longformer:window=25,global=3,dilation=4",
    "bigbird:block=16,window=2,global=1,random=2,seed=7",
    "bigbird:block=64,window=1,global=1,random=1",
)


def parts_of(form):
    """"name:a=1,b=2" -> ("name", {"a": "1", "b": "2"})"""
    name, _, rest = form.partition(":")
    return name, dict(part.split("=") for part in rest.split(",") if part)


def ceil(n, by):
    return -(-n // by)


def streaming(options, i, j):
    sink, window = int(options["sink"]), int(options["window"])
    if options.get("granularity") == "block":
        rows, columns = i // BLOCK, j // BLOCK
        return (columns < ceil(sink, BLOCK)) | (columns > rows - ceil(window, BLOCK))
    return (j < sink) | (j > i - window)


def scrambled(x):
    """One step of SplitMix64."""
    mask = (1 << 64) - 1
    x = (x + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)


def drawn_blocks(seed, layer, block, candidates, count):
    """`count` of `candidates` numbers by Floyd's sampling; docs/attention-modes.md says how they are drawn."""
    state = scrambled(scrambled(scrambled(seed) ^ layer) ^ block)
    chosen = set()
    for last in range(max(0, candidates - count), candidates):
        guess = scrambled(state ^ last) % (last + 1)
        chosen.add(last if guess in chosen else guess)
    return chosen


def bigbird(options, layer, length):
    block, window, first, count = (int(options[name]) for name in ("block", "window", "global", "random"))
    blocks = ceil(length, block)
    seen = torch.zeros(blocks, blocks, dtype=torch.bool)
    for row in range(blocks):
        seen[row, :first] = True
        seen[row, max(0, row - window + 1) : row + 1] = True
        between = row - window + 1 - first
        for draw in drawn_blocks(int(options.get("seed", 0)), layer, row, between, count):
            seen[row, first + draw] = True
    return seen.repeat_interleave(block, 0).repeat_interleave(block, 1)[:length, :length]


def block_weights(q, k, stride):
    """q, k [heads, tokens, dim] -> [heads, blocks, blocks]: tokens padded with zeros to whole blocks, groups of `stride` of
    them multiplied against the grain, softmax over the groups up to one's own, groups of padding alone left out."""
    heads, length, dim = q.shape
    blocks = ceil(length, BLOCK)
    pad = (0, 0, 0, blocks * BLOCK - length)
    q = torch.nn.functional.pad(q, pad).reshape(heads, -1, stride, dim)
    k = torch.nn.functional.pad(k, pad).reshape(heads, -1, stride, dim)
    scores = q.flip(2).flatten(2) @ k.flatten(2).transpose(1, 2) / (math.sqrt(dim) * stride)
    groups = scores.shape[1]
    real = torch.arange(groups) < ceil(length, stride)
    visible = torch.ones(groups, groups, dtype=torch.bool).tril() & real
    weights = torch.softmax(scores.masked_fill(~visible, -math.inf), dim=-1) * real[:, None]
    return weights.reshape(heads, blocks, BLOCK // stride, blocks, BLOCK // stride).sum(dim=(2, 4))


def kept_blocks(weights, threshold):
    """[heads, blocks, blocks] -> which are kept: the first and the own, then the heaviest until the threshold is reached."""
    keep = torch.zeros_like(weights, dtype=torch.bool)
    for head, rows in enumerate(weights.tolist()):
        for own, row in enumerate(rows):
            kept = {0, own}
            wanted = threshold * sum(row)
            for block in sorted(set(range(own)) - kept, key=lambda b: -row[b]):
                if sum(row[b] for b in kept) >= wanted:
                    break
                kept.add(block)
            keep[head, own, list(kept)] = True
    return keep


def xattention(options, q, k):
    weights = block_weights(q.double(), k.double(), int(options.get("stride", 16)))
    keep = kept_blocks(weights, float(options.get("threshold", 0.9)))
    return keep.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)[:, : q.shape[1], : q.shape[1]]


def visible(form, layer, q, k):
    """q, k [heads, tokens, dim] after RoPE -> [heads or 1, tokens, tokens]"""
    name, options = parts_of(form)
    length = q.shape[1]
    i, j = torch.arange(length)[:, None], torch.arange(length)[None]
    if name == "streaming":
        seen = streaming(options, i, j)
    elif name == "triangle":
        seen = streaming(options, i, j) | (i >= length - int(options["last"]))
    elif name == "longformer":
        dilation = int(options.get("dilation", 1))
        near = ((i - j) % dilation == 0) & (i - j < int(options["window"]) * dilation)
        seen = near | (j < int(options["global"]))
    elif name == "bigbird":
        seen = bigbird(options, layer, length)
    else:
        seen = xattention(options, q, k)
    return seen & (j <= i)


class Modes:
    """Attention for transformers: the form of each layer, None for full."""

    def __init__(self):
        self.forms = []

    def __call__(self, module, query, key, value, *_, **__):
        q = query[0]
        k, v = (x[0].repeat_interleave(q.shape[0] // x.shape[1], 0) for x in (key, value))
        form = self.forms[module.layer_idx]
        length = q.shape[1]
        mask = torch.ones(1, length, length, dtype=torch.bool).tril() if form is None else visible(form, module.layer_idx, q, k)
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[2])
        out = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1) @ v
        return out.transpose(0, 1)[None].contiguous(), None


def check_logits(dump, model, modes, folder):
    layers = len(model.model.layers)
    generator = torch.Generator().manual_seed(5)
    prompts = [torch.randint(0, 765, (length,), generator=generator).tolist() for length in LENGTHS]
    mixed = ("1001" * layers)[:layers]
    asked = folder / "questions.json"
    worst = {}
    answers = {}
    for form in FORMS:
        questions = [
            {"ids": ids, "policy": "sparse", "sparse": form, "chunk": chunk} for ids in prompts for chunk in (4096, 200)
        ]
        questions.append({"ids": prompts[-1], "policy": f"mask:{mixed}", "sparse": form, "chunk": 300})
        asked.write_text(json.dumps(questions))
        for question, mine in zip(questions, dumped(dump, "forward", folder, asked), strict=True):
            key = (form, question["policy"], len(question["ids"]))
            if key not in answers:
                flags = mixed if question["policy"] != "sparse" else "0" * layers
                modes.forms = [None if flag == "1" else form for flag in flags]
                answers[key] = model(torch.tensor([question["ids"]])).logits[0]
            worst[form] = max(worst.get(form, 0), logit_error(mine, answers[key]))
    modes.forms = [None] * layers
    full = model(torch.tensor([prompts[-1]])).logits[0]
    for form, error in worst.items():
        apart = logit_error(answers[form, "sparse", LENGTHS[-1]].tolist(), full)
        print(f"{form}: largest error {error:.2e} of the row's largest; apart from full by {apart:.2f}")
        assert apart > 0.01, f"{form} leaves nothing out here"
        assert error <= LOGIT_TOLERANCE, f"{form} differs from PyTorch"


def is_tie(row, own, threshold, block):
    wanted = threshold * sum(row[: own + 1])
    heavier = sum(w for b, w in enumerate(row[: own + 1]) if b in (0, own) or (b != block and w > row[block] + TIE))
    not_lighter = sum(w for b, w in enumerate(row[: own + 1]) if b in (0, own) or (b != block and w > row[block] - TIE))
    return heavier - TIE < wanted < not_lighter + TIE


def check_blocks(dump, folder):
    generator = torch.Generator().manual_seed(6)
    compared = ties = kept = 0
    for length, heads, kv_heads, dim, stride, threshold in (
        (1, 2, 1, 32, 16, 0.9),
        (100, 2, 2, 64, 16, 0.9),
        (129, 4, 2, 32, 16, 0.9),
        (1000, 4, 2, 64, 16, 0.9),
        (1500, 2, 1, 128, 8, 0.7),
        (2048, 2, 1, 32, 64, 0.95),
    ):
        q = torch.randn(heads, length, dim, generator=generator) * 3
        k = torch.randn(kv_heads, length, dim, generator=generator)
        k *= 1 + 4 * (torch.arange(length) // BLOCK % 3 == 1)[None, :, None]  # some blocks draw more than others
        asked = folder / "blocks.json"
        question = {"heads": heads, "kv_heads": kv_heads, "dim": dim, "stride": stride, "threshold": threshold}
        question["q"] = q.transpose(0, 1).flatten().tolist()
        question["k"] = k.flatten().tolist()
        asked.write_text(json.dumps([question]))
        [flags] = dumped(dump, "blocks", asked)
        weights = block_weights(q.double(), k.double().repeat_interleave(heads // kv_heads, 0), stride)
        theirs = kept_blocks(weights, threshold)
        mine = torch.tensor(flags, dtype=torch.bool).reshape(theirs.shape)
        compared += theirs.numel()
        kept += int(theirs.sum())
        for head, own, block in (mine != theirs).nonzero().tolist():
            assert is_tie(weights[head, own].tolist(), own, threshold, block), (length, stride, head, own, block)
            ties += 1
    print(f"XAttention: {kept} of {compared} blocks kept, {ties} ties decided otherwise")
    assert ties <= compared / 1000


def main():
    dump, tiny = sys.argv[1:]
    modes = Modes()
    AttentionInterface.register("modes", modes)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        subprocess.run([tiny, folder], check=True)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="modes").eval()
        check_logits(dump, model, modes, Path(folder))
        check_blocks(dump, Path(folder))


main()
