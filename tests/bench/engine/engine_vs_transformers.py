#!/usr/bin/env python3
"""Prefill and decode of a 10 M-parameter Qwen3 on the CPU: our engine against Hugging Face transformers.

    tests/bench/engine/engine_vs_transformers.py --build build/release [--lengths 512,2048,4096] [--repeats 7] [--threads N]

Same weights, same prompts, same number of threads, and turn by turn, so that whatever else the machine does hits both.
transformers runs as a user would: sdpa attention, its DynamicCache, inference mode, logits of the last position only, greedy.
The model is written by transformers with random weights. Medians, of ratios too: a virtual machine's processors are faster for a
while and then slower, so a ratio is one of neighbours in time. The spread is the middle half of the repeats.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import transformers
from transformers import DynamicCache, Qwen3Config, Qwen3ForCausalLM

ROOT = Path(__file__).resolve().parents[3]
SPARSE = "streaming:sink=16,window=128"
PAUSE_S = 0.1  # before each run: the other's idle threads have stopped spinning then


def write_model(folder: Path, tiny_model: Path) -> Qwen3ForCausalLM:
    """9.7 M parameters. The tokenizer is the tiny model's: the engine wants one, and no run here uses it."""
    torch.manual_seed(1)
    config = Qwen3Config(
        hidden_size=256, num_hidden_layers=12, num_attention_heads=8, num_key_value_heads=2, head_dim=32, intermediate_size=768,
        vocab_size=1024, max_position_embeddings=8192, tie_word_embeddings=True, initializer_range=0.05, bos_token_id=0, eos_token_id=0)
    model = Qwen3ForCausalLM(config).eval()
    model.save_pretrained(folder)
    with tempfile.TemporaryDirectory() as tiny:
        subprocess.run([tiny_model, tiny], check=True)
        (folder / "tokenizer.json").write_bytes((Path(tiny) / "tokenizer.json").read_bytes())
    return model


class Ours:
    def __init__(self, program: Path, folder: Path, threads: int):
        self.process = subprocess.Popen([program, folder, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, ids: list[int], steps: int, policy: str) -> tuple[float, float, list[int]]:
        time.sleep(PAUSE_S)
        request = {"ids": ids, "max_new": steps + 1, "policy": policy, "sparse": SPARSE}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("engine-bench ended; its complaint stands above")
        answer = json.loads(line)
        return answer["prefill_s"], answer["decode_s"] / steps, answer["ids"]


@torch.inference_mode()
def run_theirs(model: Qwen3ForCausalLM, ids: list[int], steps: int) -> tuple[float, float, list[int]]:
    time.sleep(PAUSE_S)
    cache = DynamicCache(config=model.config)
    began = time.perf_counter()
    logits = model(torch.tensor([ids]), past_key_values=cache, use_cache=True, logits_to_keep=1).logits
    token = logits[:, -1].argmax(-1, keepdim=True)
    made = [token.item()]
    first = time.perf_counter()
    for _ in range(steps):
        token = model(token, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1].argmax(-1, keepdim=True)
        made.append(token.item())
    return first - began, (time.perf_counter() - first) / steps, made


def cell(seconds: list[float]) -> str:
    low, middle, high = statistics.quantiles(seconds, n=4) if len(seconds) > 1 else seconds * 3
    return f"{middle * 1e3:.2f} ({low * 1e3:.2f}-{high * 1e3:.2f})"


def ratio(theirs: list[float], ours: list[float]) -> str:
    return f"{statistics.median(t / o for t, o in zip(theirs, ours, strict=True)):.2f}"


def cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--lengths", default="512,2048,4096")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=32, help="tokens decoded and timed")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(2)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = write_model(folder, options.build / "bin/tiny-model")
        ours = Ours(options.build / "bin/engine-bench", folder, options.threads)
        parameters = sum(p.numel() for p in model.parameters())
        print(f"{cpu_name()}, {options.threads} threads, load {os.getloadavg()[0]:.1f}; {parameters / 1e6:.1f} M parameters, fp32; torch "
              f"{torch.__version__}, transformers {transformers.__version__}; median (quartiles) of {options.repeats}, in ms\n")
        print("| tokens | policy | prefill: ours | transformers | ratio | decode a token: ours | transformers | ratio |")
        print("|---|---|---|---|---|---|---|---|")
        for length in map(int, options.lengths.split(",")):
            times = {"full": [], "sparse": [], "theirs": []}
            for repeat in range(options.repeats + 1):
                ids = torch.randint(0, 765, (length,), generator=generator).tolist()
                for policy in ("full", "sparse"):
                    times[policy].append(ours.run(ids, options.steps, policy))
                times["theirs"].append(run_theirs(model, ids, options.steps))
                if times["full"][-1][2] != times["theirs"][-1][2]:
                    print(f"the tokens of {length} differ: ours {times['full'][-1][2]}, theirs {times['theirs'][-1][2]}", file=sys.stderr)
            columns = {who: ([r[0] for r in runs[1:]], [r[1] for r in runs[1:]]) for who, runs in times.items()}  # the first one warms up
            their_prefill, their_decode = columns["theirs"]
            for policy in ("full", "sparse"):
                prefill, decode = columns[policy]
                print(f"| {length} | {policy} | {cell(prefill)} | {cell(their_prefill)} | "
                      f"{ratio(their_prefill, prefill)} | {cell(decode)} | {cell(their_decode)} | {ratio(their_decode, decode)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
