#!/usr/bin/env python3
"""fluxscope-cli train: a tokenizer, a small model and its routers from nothing, gone on with after a kill, merged, and refused in one
sentence where the files are no plan.

    train_test.py --program fluxscope-cli --tiny-model tiny-model [NAME...]
"""
import csv
import json
import math
import pathlib
import signal
import subprocess
import time

import program

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 32, "intermediate_size": 48,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 400,
    "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "hidden_act": "silu",
    "attention_bias": False, "tie_word_embeddings": True, "eos_token_id": 399, "torch_dtype": "bfloat16"}
MIX = {"prose": {"task": "prose", "form": "prompt"}, "few": {"task": "few-shot:classes=3", "form": "prompt"}}
PLAN = {"stages": [{"length": 160, "steps": 12, "sequences": 4}], "learning_rate": 3e-3, "checkpoint_every": 2}
# By blocks: Flux Attention's own form has no word for tokens.
ROUTERS = {**PLAN, "stages": [{"length": 300, "steps": 4, "sequences": 2}],
           "tasks": {"prose": {"sparsity": 1.0}, "few": {"sparsity": 0.5}},
           "routers": {"sparse": "streaming:sink=128,window=128,granularity=block", "pool_size": 8}}


class Train(program.Engine):
    def setUp(self):
        super().setUp()
        for name, content in (("mix", MIX), ("plan", PLAN), ("routers", ROUTERS)):
            self.write(name, content)

    def write(self, name, content):
        (self.folder / f"{name}.json").write_text(json.dumps(content))

    def empty_model(self):
        small = self.folder / "small"
        small.mkdir()
        (small / "config.json").write_text(json.dumps(CONFIG))
        self.cli("train", "tokenizer", "--data", "mix.json", "--vocabulary", 400, "--megabytes", 1, "--out", "small/tokenizer.json")
        return small

    def backbone(self, *more, **keywords):
        return self.cli("train", "backbone", "small", "--plan", "plan.json", "--data", "mix.json", *more, **keywords)

    def lines(self, name):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def losses(self, name):
        return {line["step"]: line["loss"] for line in self.lines(name) if "loss" in line}

    def test_from_nothing_to_a_model_with_routers_that_runs(self):
        small = self.empty_model()
        tokenizer = json.loads((small / "tokenizer.json").read_text())
        self.assertEqual(len(tokenizer["model"]["vocab"]) + len(tokenizer["added_tokens"]), 400)
        self.assertEqual(tokenizer["added_tokens"][0]["id"], 399)

        self.backbone("--work", "trained", "--log", "log.jsonl", "--log-every", 1)
        losses = self.losses("log.jsonl")
        self.assertEqual(sorted(losses), list(range(12)))
        self.assertLess(losses[11], losses[0] - 0.3, "it has learned")
        self.assertAlmostEqual(losses[0], math.log(400), delta=0.3)

        report = self.json("train", "routers", "trained", "--plan", "routers.json", "--data", "mix.json", "--work", "routed",
                           "--json", "--log", "routers.jsonl", "--log-every", 1)
        self.assertEqual(report["kind"], "routers")
        self.assertRegex(report["backbone"], "^[0-9a-f]{16}$")
        last = self.lines("routers.jsonl")[-1]
        self.assertEqual(last, report["last_step"])
        self.assertEqual(len(last["full_by_layer"]), 2)
        self.assertEqual(set(last["tasks"]), {"prose", "few"})

        (self.folder / "trained" / "router.safetensors").write_bytes(pathlib.Path(self.folder, report["result"]).read_bytes())
        self.assertGreater(self.json("info", "trained", "--json")["router_parameters"], 0)
        decisions = self.json("run", "trained", "--prompt", "The rope is dark.", "--max-new", 2, "--json")[0]["decisions"]
        self.assertEqual(len(decisions), 2)

        self.cli("train", "merge", "trained", "--routers", report["result"], "--out", "paw")
        merged = self.json("info", "paw", "--json")
        self.assertEqual(merged["architecture"], "PawQwen3ForCausalLM")
        self.assertGreater(merged["router_parameters"], 0)

    def test_killed_at_any_moment_it_goes_on_with_the_same_losses(self):
        self.empty_model()
        self.write("plan", {**PLAN, "stages": [{"length": 160, "steps": 40, "sequences": 4}]})
        self.backbone("--work", "whole", "--log", "whole.jsonl", "--log-every", 1)
        command = [program.OPTIONS.program, "train", "backbone", "small", "--plan", "plan.json", "--data", "mix.json",
                   "--work", "parts", "--log", "parts.jsonl", "--log-every", "1"]
        training = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.DEVNULL)
        while training.poll() is None and not (self.folder / "parts" / "training.safetensors").exists():
            time.sleep(0.005)
        training.kill()
        training.wait()
        self.assertLess(len(self.losses("parts.jsonl")), 40, "it was killed on its way")
        went_on = self.cli(*command[1:])
        self.assertIn(b"goes on from the checkpoint after step", went_on.stderr)
        self.assertEqual(self.losses("parts.jsonl"), self.losses("whole.jsonl"))
        for name in ("whole", "parts"):
            self.assertTrue((self.folder / name / "model.safetensors").exists())
        self.assertEqual((self.folder / "whole" / "model.safetensors").read_bytes(),
                         (self.folder / "parts" / "model.safetensors").read_bytes())

    def test_cancelling_keeps_a_checkpoint(self):
        self.empty_model()
        self.write("plan", {**PLAN, "stages": [{"length": 160, "steps": 100000, "sequences": 4}], "checkpoint_every": 0})
        training = subprocess.Popen([program.OPTIONS.program, "train", "backbone", "small", "--plan", "plan.json", "--data",
                                     "mix.json", "--work", "work", "--log", "log.jsonl", "--log-every", "1"],
                                    cwd=self.folder, stderr=subprocess.PIPE)
        while training.poll() is None and not (
                (self.folder / "log.jsonl").exists() and len((self.folder / "log.jsonl").read_text().splitlines()) > 3):
            time.sleep(0.01)
        training.send_signal(signal.SIGINT)
        _, said = training.communicate(timeout=30)
        self.assertEqual(training.returncode, 5, said)
        self.assertTrue((self.folder / "work" / "training.safetensors").exists())
        self.assertFalse((self.folder / "work" / "model.safetensors").exists())

    def test_its_capture_is_told_checked_exported_and_not_mistaken_for_runs(self):
        self.empty_model()
        self.backbone("--work", "trained", "--log", "log.jsonl", "--log-every", 1, "--capture", "training.fluxdb")
        told = self.json("capture", "info", "training.fluxdb", "--json")
        self.assertEqual(told["runs"], [])
        self.assertEqual([(t["outcome"], t["steps_recorded"]) for t in told["trainings"]], [("finished", 12)])
        self.cli("capture", "check", "training.fluxdb")

        self.cli("export", "training.fluxdb", "--csv", "tables", "--json", "all.json")
        with open(self.folder / "tables" / "training_steps.csv", newline="") as file:
            exported = {int(row["step"]): float(row["loss_nats"]) for row in csv.DictReader(file)}
        logged = self.losses("log.jsonl")
        self.assertEqual(sorted(exported), sorted(logged))
        for step, loss in logged.items():
            self.assertAlmostEqual(exported[step], loss, places=5)
        self.assertEqual(len(json.loads((self.folder / "all.json").read_text())["tables"]["training_task_steps"]), 2 * 12)

        self.cli("report", "training.fluxdb", "--html", "report.html")
        report = (self.folder / "report.html").read_text()
        self.assertIn("The capture holds 1 training: a report shows runs only", report)
        self.assertIn("This capture holds no run", report)

    def test_bad_files_are_refused_in_one_sentence(self):
        self.empty_model()
        self.write("bad", {"prose": {"task": "nose"}})
        refused = [
            (("backbone", "small", "--plan", "routers.json", "--data", "mix.json"), 2,
             "routers.json: routers are in the plan, and a backbone is to be trained"),
            (("routers", "small", "--plan", "plan.json", "--data", "mix.json"), 2, "plan.json: routers are missing in the plan"),
            (("backbone", "small", "--plan", "plan.json", "--data", "bad.json"), 2, "bad.json: prose.task: 'nose' is not a task"),
            (("backbone", "small", "--plan", "plan.json", "--data", "none.json"), 3, "none.json"),
            (("backbone", "nowhere", "--plan", "plan.json", "--data", "mix.json"), 3, "nowhere"),
            (("backbone", "small", "--plan", "plan.json", "--data", "mix.json", "--device", "tpu"), 2, "tpu"),
        ]
        for arguments, code, what in refused:
            with self.subTest(what):
                self.assertIn(what, self.sentence(self.cli("train", *arguments, "--work", "work", code=code)))
        self.assertIn("few.sparsity is a target of routers",
                      self.refusal_of_plan({**PLAN, "tasks": {"few": {"sparsity": 0.5}}}))
        self.assertIn("stages.length is 4096, beyond the model's 512 positions",
                      self.refusal_of_plan({**PLAN, "stages": [{"length": 4096, "steps": 1}]}, code=2))
        self.assertIn("memory free", self.refusal_of_plan({**PLAN, "stages": [{"length": 512, "steps": 1, "sequences": 1 << 20}]},
                                                          code=4))

    def refusal_of_plan(self, plan, code=3):
        self.write("other", plan)
        return self.sentence(self.cli("train", "backbone", "small", "--plan", "other.json", "--data", "mix.json", "--work", "work",
                                      code=code))


if __name__ == "__main__":
    program.main(Train)
