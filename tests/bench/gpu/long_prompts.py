"""Long prompts on one GPU: a model of Qwen3-8B's shape with random weights, under full attention, routed and sparse.

    long_prompts.py CLI TOKENIZER_JSON [--lengths 32768 131072] [--new 256] [--folder /tmp/shaped-8b]

Needs torch (for random weights) and nvidia-smi (for memory), nothing else: it runs where fluxscope-cli's bundle runs. The
routers are random but for their last bias, which turns every fourth layer full: "routed" here says what such a share costs,
not what a trained router would choose. Prints a Markdown table; times are fluxscope-cli's own, of one run after its warm-up,
memory is the GPU's highest use seen five times a second.
"""

import argparse
import json
import shutil
import struct
import subprocess
import threading
import time
from pathlib import Path

import torch

LAYERS, HIDDEN, INNER, HEADS, KV_HEADS, DIM, VOCABULARY = 36, 4096, 12288, 32, 8, 128, 151936
POOL = 100


def shapes():
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    for i in range(LAYERS):
        layer = f"model.layers.{i}."
        yield layer + "input_layernorm.weight", (HIDDEN,)
        yield layer + "self_attn.q_proj.weight", (HEADS * DIM, HIDDEN)
        yield layer + "self_attn.k_proj.weight", (KV_HEADS * DIM, HIDDEN)
        yield layer + "self_attn.v_proj.weight", (KV_HEADS * DIM, HIDDEN)
        yield layer + "self_attn.o_proj.weight", (HIDDEN, HEADS * DIM)
        yield layer + "self_attn.q_norm.weight", (DIM,)
        yield layer + "self_attn.k_norm.weight", (DIM,)
        yield layer + "post_attention_layernorm.weight", (HIDDEN,)
        yield layer + "mlp.gate_proj.weight", (INNER, HIDDEN)
        yield layer + "mlp.up_proj.weight", (INNER, HIDDEN)
        yield layer + "mlp.down_proj.weight", (HIDDEN, INNER)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (VOCABULARY, HIDDEN)


def router_shapes():
    for i in range(LAYERS):
        router = f"model.layers.{i}.self_attn.mask_allocator."
        for name, outputs, inputs in (
            ("cls_feat_extractor.0", 8 * DIM, DIM),
            ("cls_feat_extractor.2", 2 * DIM, 8 * DIM),
            ("cls_router_head_agnostic.0", 4 * DIM, 2 * DIM),
            ("cls_router_head_agnostic.2", DIM, 4 * DIM),
            ("cls_router_head_agnostic.4", 2, DIM),
        ):
            yield router + name + ".weight", (outputs, inputs)
            yield router + name + ".bias", (outputs,)


def write_safetensors(file, shapes_of, value_of, metadata=None):
    """Tensor by tensor: the whole model never lies in memory."""
    header, offset = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, shape in shapes_of():
        size = 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes_of():
            out.write(value_of(name, shape).cpu().view(torch.int16).numpy().tobytes())


def weights(generator):
    def value(name, shape):
        if "norm" in name:
            return torch.ones(shape, dtype=torch.bfloat16)
        return torch.empty(shape, dtype=torch.bfloat16, device="cuda").normal_(0, 0.02, generator=generator)

    return value


def routers(generator):
    def value(name, shape):
        tensor = torch.empty(shape, dtype=torch.bfloat16, device="cuda").normal_(0, 0.02, generator=generator)
        if name.endswith("cls_router_head_agnostic.4.bias"):
            layer = int(name.split(".")[2])
            tensor = torch.tensor([0.0, 4.0] if layer % 4 == 0 else [4.0, 0.0], dtype=torch.bfloat16)
        return tensor

    return value


def write_model(folder, tokenizer):
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator(device="cuda").manual_seed(1)
    config = {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "num_hidden_layers": LAYERS,
        "hidden_size": HIDDEN, "intermediate_size": INNER, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "head_dim": DIM, "vocab_size": VOCABULARY,
        "max_position_embeddings": 1 << 19, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
        "tie_word_embeddings": False, "hidden_act": "silu", "attention_bias": False, "torch_dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copy(tokenizer, folder / "tokenizer.json")
    write_safetensors(folder / "model.safetensors", shapes, weights(generator))
    metadata = {"pool_size": str(POOL), "use_softmax": "true", "sparse": "streaming:sink=128,window=2048"}
    write_safetensors(folder / "router.safetensors", router_shapes, routers(generator), metadata)


class PeakMemory:
    """The GPU's highest memory use while the block runs, in MiB."""

    def __enter__(self):
        self.peak, self.done = 0, False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done = True
        self.thread.join()

    def watch(self):
        query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
        while not self.done:
            self.peak = max(self.peak, int(subprocess.run(query, capture_output=True, text=True).stdout.split()[0]))
            time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cli")
    parser.add_argument("tokenizer")
    parser.add_argument("--lengths", type=int, nargs="+", default=[32768, 131072])
    parser.add_argument("--new", type=int, default=256)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/shaped-8b"))
    parser.add_argument("--policies", nargs="+", default=["full", "routed", "sparse"])
    asked = parser.parse_args()
    if not (asked.folder / "router.safetensors").exists():
        began = time.time()
        write_model(asked.folder, asked.tokenizer)
        print(f"wrote {asked.folder} in {time.time() - began:.0f} s", flush=True)

    print("| prompt | policy | full layers | prefill s | decode ms/token | tokens/s | KV GiB | peak GPU GiB |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for length in asked.lengths:
        ids = torch.randint(0, VOCABULARY, (length,), generator=torch.Generator().manual_seed(length)).tolist()
        prompts = asked.folder / f"prompt-{length}.jsonl"
        prompts.write_text(json.dumps({"id": str(length), "kind": "random", "ids": ids}) + "\n")
        for policy in asked.policies:
            command = [asked.cli, "run", str(asked.folder), "--prompts", str(prompts), "--policy", policy, "--device",
                       "cuda", "--dtype", "bf16", "--max-new", str(asked.new), "--collect", "off", "--json"]
            with PeakMemory() as memory:
                done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                print(f"| {length} | {policy} | rc {done.returncode}: {done.stderr.strip()[-300:]} |", flush=True)
                continue
            run = json.loads(done.stdout)[0]
            steps = max(1, len(run["ids"]) - 1)
            each = run["decode_s"] / steps
            print(f"| {length} | {policy} | {sum(run['decisions'])}/{LAYERS} | {run['prefill_s']:.2f} | {1e3 * each:.2f} "
                  f"| {1 / each:.1f} | {run['kv_bytes'] / 2**30:.2f} | {memory.peak / 1024:.1f} |", flush=True)


if __name__ == "__main__":
    main()
