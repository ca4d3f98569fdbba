#!/usr/bin/env python3
"""The sample model that ships: transformers loads it and computes the same, it answers what docs/sample-model.md says it answers, and its
routers tell kinds of prompts apart.

    sample_model_test.py --program fluxscope-cli --tiny-model tiny-model [NAME...]
"""
import json
import math
import pathlib
import unittest

import program

try:
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError as missing:  # a build without the Python packages of the oracles
    transformers, MISSING = None, str(missing)

MODEL = pathlib.Path(__file__).resolve().parents[2] / "sample_data" / "model"
MEGABYTES = 40


class SampleModel(program.Engine):
    def evaluated(self, tasks, policies, samples=8, length=512):
        results = self.json("evaluate", MODEL, "--task", *tasks, "--length", length, "--policy", *policies, "--samples", samples,
                            "--seed", 41, "--json")["results"]
        return {(row["task"], row["policy"]): row for row in results}

    def test_is_small_enough_to_ship(self):
        self.assertLess(sum(file.stat().st_size for file in MODEL.iterdir()), MEGABYTES * 1e6)
        info = self.json("info", MODEL, "--json")
        self.assertGreaterEqual(info["context"], 4096)
        self.assertTrue(8e6 <= info["parameters"] <= 16e6, info["parameters"])
        self.assertGreater(info["router_parameters"], 0)

    def test_answers_with_full_attention_and_as_it_is_routed(self):
        rows = self.evaluated(["needle", "two-hop", "arithmetic", "few-shot", "code"], ["full", "routed"])
        for (task, policy), row in rows.items():
            with self.subTest(task=task, policy=policy):
                self.assertGreaterEqual(row["score"], 0.75)

    def test_is_lost_without_any_full_layer_where_a_look_up_is_needed(self):
        rows = self.evaluated(["needle", "two-hop"], ["sparse"])
        for row in rows.values():
            self.assertLessEqual(row["score"], 0.5)

    def test_knows_programs_as_long_as_its_documents(self):
        rows = self.evaluated(["code"], ["full"], length=2048)
        self.assertGreaterEqual(rows["code", "full"]["score"], 0.75)

    def test_needs_no_more_than_half_of_its_layers(self):
        rows = self.evaluated(["needle", "two-hop", "ruler:niah_multikey_1"], ["routed"], length=1024)
        for (task, _), row in rows.items():
            with self.subTest(task=task):
                self.assertLessEqual(row["full_share"], 0.5)
                self.assertGreaterEqual(row["score"], 0.6)

    def test_routes_kinds_of_prompts_differently(self):
        rows = self.evaluated(["code", "two-hop", "prose"], ["routed"], length=2048)
        self.assertLessEqual(rows["prose", "routed"]["full_share"], 0.15)
        for task in ("code", "two-hop"):
            self.assertGreaterEqual(rows[task, "routed"]["full_share"], rows["prose", "routed"]["full_share"] + 0.25)

    @unittest.skipIf(transformers is None, "transformers is not installed")
    def test_transformers_loads_it_and_computes_the_same(self):
        tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
        model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32).eval()
        self.cli("tasks", "generate", MODEL, "--task", "needle", "--length", 400, "--samples", 1, "--seed", 3, "--out", "set.jsonl")
        prompt = json.loads((self.folder / "set.jsonl").read_text())
        text = prompt["text"]
        ids = json.loads(self.cli("tokenize", MODEL, stdin=text.encode()).stdout)["ids"]
        self.assertEqual(tokenizer(text, add_special_tokens=False)["input_ids"], ids)
        self.assertEqual(tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False), text)
        (self.folder / "ids.json").write_text(json.dumps(ids))
        self.cli("forward", MODEL, "--ids", "ids.json", "--out", "out.safetensors", "--policy", "full", "--dtype", "fp32")
        ours = load_file(self.folder / "out.safetensors")["logits"]
        with torch.no_grad():
            theirs = model(torch.tensor([ids])).logits[0]
            generated = model.generate(torch.tensor([ids]), max_new_tokens=6, do_sample=False)[0, len(ids):]
        self.assertLess((ours - theirs).abs().max() / theirs.abs().max(), 1e-4)
        self.assertIn(prompt["answer"], tokenizer.decode(generated))
        run = self.json("run", MODEL, "--prompts", "set.jsonl", "--raw", "--policy", "full", "--max-new", 6, "--json")[0]
        self.assertEqual(run["ids"][:6], generated.tolist()[:len(run["ids"])])
        self.assertTrue(math.isfinite(ours.sum().item()))


if __name__ == "__main__":
    program.main(SampleModel)
