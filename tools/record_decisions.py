#!/usr/bin/env python3
"""Records what the routers of the authors' PawQwen3 and PawLlama models decide, for `fluxscope-cli import`.

    with DecisionRecorder(model, "decisions.jsonl", engine="transformers 4.51.1", model_name="Qwen3-4B") as recorder:
        with recorder.prompt("needle-1", kind="needle", text=text):
            model.generate(**inputs)

docs/importing.md has the format. A router is any module named `model.layers.N.self_attn.mask_allocator`; it runs in prefill, and what it
returns has `logits` [batch, heads, 2] (1 with a sigmoid) and `sparse_mask` [batch, heads, 1], which is 1 for full attention.
"""
import contextlib
import json
import re


class DecisionRecorder:
    def __init__(self, model, file, engine="transformers", model_name="", threshold=0.5):
        routers = [(int(match[1]), module) for name, module in model.named_modules()
                   if (match := re.search(r"layers\.(\d+)\..*mask_allocator$", name))]
        self.out, self.prompts = open(file, "w", encoding="utf-8"), []
        self.write(format="fluxscope-decisions", version=1, engine=engine, model=model_name,
                   layers=1 + max(layer for layer, _ in routers), threshold=threshold)
        self.hooks = [module.register_forward_hook(lambda _m, _i, output, layer=layer: self.decided(layer, output))
                      for layer, module in routers]

    def write(self, **line):
        self.out.write(json.dumps(line) + "\n")

    @contextlib.contextmanager
    def prompt(self, *ids, **about):  # one id a sequence of the batch
        self.prompts = list(ids)
        for name in ids:
            self.write(type="prompt", prompt=name, **about)
        yield

    def decided(self, layer, output):
        for name, logits, mask in zip(self.prompts, output["logits"][:, 0].tolist(), output["sparse_mask"].flatten(1)[:, 0].tolist()):
            self.write(type="decision", prompt=name, layer=layer, full=mask > 0.5, logits=logits)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()
        self.out.close()
