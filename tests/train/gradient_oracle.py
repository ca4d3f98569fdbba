"""Gradients of training against plain PyTorch: the straight-through gate, the Lagrangian, AdamW, and a whole step of a tiny model.

    gradient_oracle.py TRAIN_DUMP TINY_MODEL
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "engine" / "oracle"))
from reference import torch  # noqa: E402  (skips where PyTorch does not load)
from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

F = torch.nn.functional
TOLERANCE = 1e-5  # of the largest number of a tensor
STEP_TOLERANCE = 1e-4


def dumped(dump, *arguments):
    done = subprocess.run([dump, *map(str, arguments)], stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, f"train-dump {' '.join(map(str, arguments))} ended with {done.returncode}"
    return json.loads(done.stdout)


def asked(dump, what, folder, question):
    file = Path(folder) / "question.json"
    file.write_text(json.dumps(question))
    return dumped(dump, what, file)


def compare(what, ours, theirs, tolerance=TOLERANCE):
    """The largest difference, in parts of the largest number there; both must have numbers that are not 0."""
    ours = torch.as_tensor(ours, dtype=torch.float64).reshape(-1)
    theirs = theirs.detach().to(torch.float64).reshape(-1)
    assert ours.shape == theirs.shape, (what, ours.shape, theirs.shape)
    scale = theirs.abs().max().item()
    worst = (ours - theirs).abs().max().item() / scale if scale > 0 else ours.abs().max().item()
    assert worst <= tolerance, f"{what}: differs by {worst:.2e} of the largest, {scale:.3g}"
    return worst


def gate_of(logits, noise, temperature, soft):
    p = torch.softmax((logits + noise) / temperature, dim=-1)[..., 1]
    hard = (p > 0.5).to(p)
    return p if soft else hard - p.detach() + p


def penalty_of(gates, tasks, targets, multipliers, published):
    sparse = (1 - gates).mean(dim=0)
    losses = []
    for task, target in enumerate(targets):
        mine = torch.tensor([t == task for t in tasks])
        if not mine.any():
            continue
        d = sparse[mine].mean() - target
        losses.append(multipliers[task, 0] * (d.abs() if published else d) + multipliers[task, 1] * d**2)
    return torch.stack(losses).mean()


def check_gate(dump, folder, generator):
    for soft in (False, True):
        for temperature in (1.5, 0.4):
            logits = torch.randn(64, 2, generator=generator)
            noise = -torch.log(-torch.log(torch.rand(64, 2, generator=generator)))
            upstream = torch.randn(64, generator=generator)
            answer = asked(dump, "gate", folder, {"logits": logits.tolist(), "noise": noise.tolist(), "temperature": temperature,
                                                  "soft": soft, "upstream": upstream.tolist()})
            logits.requires_grad_(True)
            w = gate_of(logits, noise, temperature, soft)
            (w * upstream).sum().backward()
            compare("gate", answer["w"], w)
            compare("gate's gradient", answer["gradient"], logits.grad)
            if not soft:
                assert set(answer["w"]) == {0.0, 1.0}, "a hard gate is not exactly 0 or 1"


def check_penalty(dump, folder, generator):
    tasks = [0, 2, 2, 0, 2, 0, 0]  # of four, two of them absent
    targets = [1.0, 0.3, 0.45, 0.7]
    for published in (False, True):
        gates = torch.rand(5, len(tasks), generator=generator)
        multipliers = torch.rand(4, 2, generator=generator)
        answer = asked(dump, "penalty", folder, {"gates": gates.tolist(), "tasks": tasks, "targets": targets,
                                                 "multipliers": multipliers.tolist(), "published": published})
        gates.requires_grad_(True)
        multipliers.requires_grad_(True)
        value = penalty_of(gates, tasks, targets, multipliers, published)
        value.backward()
        compare("penalty", answer["penalty"], value)
        compare("penalty's gradient by gates", answer["gates"], gates.grad)
        compare("penalty's gradient by multipliers", answer["multipliers"], multipliers.grad)


def check_adamw(dump, folder, generator):
    for decay, ascends in ((0.1, False), (0.0, True)):
        values = torch.randn(6, 5, generator=generator)
        gradients = [torch.randn(6, 5, generator=generator) for _ in range(4)]
        answer = asked(dump, "adamw", folder, {"values": values.tolist(), "gradients": [g.tolist() for g in gradients], "rate": 0.01,
                                               "decay": decay, "ascends": ascends})
        parameter = torch.nn.Parameter(values.clone())
        optimizer = torch.optim.AdamW([parameter], lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=decay, maximize=ascends)
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
        compare("AdamW", answer["values"], parameter)


class Model:
    """The tiny Qwen3 in plain PyTorch, with both kinds of attention and routers."""

    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        self.w = load_file(folder / "model.safetensors")
        self.r = load_file(folder / "router.safetensors")

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config["rms_norm_eps"]) * self.w[name]

    def rotated(self, x):
        tokens, dim = x.shape[1], x.shape[3]
        frequency = self.config["rope_theta"] ** (-torch.arange(0, dim, 2, dtype=torch.float32) / dim)
        angle = torch.outer(torch.arange(tokens, dtype=torch.float32), frequency)
        cos, sin = (torch.cat([f(angle)] * 2, dim=-1)[None, :, None] for f in (torch.cos, torch.sin))
        return x * cos + torch.cat([-x[..., dim // 2:], x[..., : dim // 2]], dim=-1) * sin

    def attend(self, q, k, v, mask):
        groups = q.shape[2] // k.shape[2]
        k, v = (t.repeat_interleave(groups, dim=2).transpose(1, 2) for t in (k, v))
        scores = q.transpose(1, 2) @ k.transpose(2, 3) / q.shape[3] ** 0.5
        return (torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1) @ v).transpose(1, 2)

    def router_logits(self, layer, pooled):
        def linear(name, x):
            prefix = f"model.layers.{layer}.self_attn.mask_allocator.{name}"
            return F.linear(x, self.r[prefix + ".weight"], self.r[prefix + ".bias"])

        x = linear("cls_feat_extractor.2", F.silu(linear("cls_feat_extractor.0", pooled)))
        x = F.silu(linear("cls_router_head_agnostic.0", x))
        return linear("cls_router_head_agnostic.4", F.silu(linear("cls_router_head_agnostic.2", x)))

    def loss(self, question, sink, window):
        """Next-token loss and penalty of one prompt after the other."""
        c, routed = self.config, question["train"] == "routers"
        every, gates = [], []
        for index, sample in enumerate(question["samples"]):
            ids = torch.tensor(sample["ids"])
            tokens, prompt = len(ids), sample["prompt"] or len(ids)
            i, j = torch.arange(tokens)[:, None], torch.arange(tokens)[None]
            causal = j <= i
            sparse = causal & ((j < sink) | (i - j < window))
            hidden, mine = self.w["model.embed_tokens.weight"][ids][None], []
            for layer in range(c["num_hidden_layers"]):
                name = f"model.layers.{layer}."
                x = self.norm(hidden, name + "input_layernorm.weight")
                q, k, v = (F.linear(x, self.w[f"{name}self_attn.{p}_proj.weight"]).reshape(1, tokens, -1, c["head_dim"]) for p in "qkv")
                q, k = self.norm(q, name + "self_attn.q_norm.weight"), self.norm(k, name + "self_attn.k_norm.weight")
                pool = question["pool"]
                x = torch.cat([q[0, :prompt][:pool], q[0, :prompt][-pool:]]).mean(dim=(0, 1))
                q, k = self.rotated(q), self.rotated(k)
                out = self.attend(q, k, v, causal)
                if routed:
                    w = gate_of(self.router_logits(layer, x), torch.tensor(question["noise"][layer][index]), question["temperature"], question["soft"])
                    mine.append(w)
                    out = w * out + (1 - w) * self.attend(q, k, v, sparse)
                hidden = hidden + F.linear(out.reshape(1, tokens, -1), self.w[name + "self_attn.o_proj.weight"])
                x = self.norm(hidden, name + "post_attention_layernorm.weight")
                gate, up, down = (self.w[f"{name}mlp.{p}_proj.weight"] for p in ("gate", "up", "down"))
                hidden = hidden + F.linear(F.silu(F.linear(x, gate)) * F.linear(x, up), down)
            logits = F.linear(self.norm(hidden, "model.norm.weight")[0], self.w["model.embed_tokens.weight"])
            each = F.cross_entropy(logits[:-1], ids[1:], reduction="none") * torch.tensor(sample["weights"])[1:]
            every.append((sample["task"], each.sum(), sum(sample["weights"][1:])))
            gates.append(torch.stack(mine) if routed else None)
        by_task = {}
        for task, loss, weight in every:
            before = by_task.get(task, (0, 0))
            by_task[task] = (before[0] + loss, before[1] + weight)
        if not routed:
            return sum(l for l, _ in by_task.values()) / sum(w for _, w in by_task.values()), None
        loss = sum(l / w for l, w in by_task.values()) / len(by_task)
        penalty = penalty_of(torch.stack(gates, dim=1), [s["task"] for s in question["samples"]], question["targets"],
                             torch.tensor(question["multipliers"]), question["published"])
        return loss, penalty


def question_of(generator, layers, train, soft, published):
    samples = []
    for task, tokens, prompt in ((0, 40, 30), (1, 61, 0), (0, 9, 9)):
        samples.append({"ids": torch.randint(0, 765, (tokens,), generator=generator).tolist(), "task": task, "prompt": prompt,
                        "weights": torch.randint(0, 3, (tokens,), generator=generator).float().tolist()})
    noise = -torch.log(-torch.log(torch.rand(layers, len(samples), 2, generator=generator)))
    return {"samples": samples, "length": 64, "pool": 12, "sparse": "streaming:sink=3,window=10", "noise": noise.tolist(),
            "temperature": 0.8, "soft": soft, "published": published, "train": train, "targets": [0.9, 0.4],
            "multipliers": [[0.3, 0.2], [0.1, 0.4]]}


def check_step(dump, tiny, folder, generator):
    folder = Path(folder)
    subprocess.run([tiny, folder / "model"], check=True)
    for train, soft, published in (("backbone", False, False), ("routers", False, False), ("routers", True, True)):
        model = Model(folder / "model")
        question = question_of(generator, model.config["num_hidden_layers"], train, soft, published)
        (folder / "question.json").write_text(json.dumps(question))
        answer = dumped(dump, "step", folder / "model", folder / "question.json", folder / "out.safetensors")
        trained = model.r if train == "routers" else model.w
        for tensor in trained.values():
            tensor.requires_grad_(True)
        loss, penalty = model.loss(question, 3, 10)
        (loss if penalty is None else loss + penalty).backward()
        compare("loss", answer["loss"], loss, STEP_TOLERANCE)
        if penalty is not None:
            compare("penalty", answer["penalty"], penalty, STEP_TOLERANCE)
        worst = 0.0
        with safe_open(folder / "out.safetensors", "pt") as ours:
            assert set(ours.keys()) == set(trained), set(ours.keys()) ^ set(trained)
            for name, tensor in trained.items():
                assert tensor.grad.abs().max() > 0, f"{name} has no gradient there"
                worst = max(worst, compare(f"{train}: gradient of {name}", ours.get_tensor(name), tensor.grad, STEP_TOLERANCE))
        print(f"{train}, {'soft' if soft else 'straight-through'}: {len(trained)} gradients, largest error {worst:.2e}")


def main():
    dump, tiny = sys.argv[1:]
    generator = torch.Generator().manual_seed(4)
    with tempfile.TemporaryDirectory() as folder:
        check_gate(dump, folder, generator)
        check_penalty(dump, folder, generator)
        check_adamw(dump, folder, generator)
        check_step(dump, tiny, folder, generator)


main()
