#!/usr/bin/env python3
"""fluxscope-cli tasks: prompt sets that are as long as asked for, and scores that are right.

    tasks_test.py --program fluxscope-cli [--tiny-model tiny-model]

Without --tiny-model (a build without the engine) only what such a build has is tested.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

OPTIONS = None


class Program(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="cli-tasks-"))
        if OPTIONS.tiny_model:
            cls.model = cls.shared / "model"
            subprocess.run([OPTIONS.tiny_model, cls.model], check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.shared))

    def cli(self, *arguments, stdin=b"", code=0):
        done = subprocess.run([OPTIONS.program, *map(str, arguments)], input=stdin, capture_output=True, cwd=self.folder,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr.decode(errors='replace')}")
        return done

    def json(self, *arguments, **keywords):
        return json.loads(self.cli(*arguments, **keywords).stdout)

    def refusal(self, *arguments, code):
        """The one line on stderr; nothing on stdout."""
        done = self.cli(*arguments, code=code)
        self.assertEqual(done.stdout, b"")
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def write(self, name, lines):
        file = self.folder / name
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return file


class EveryBuild(Program):
    def test_list_names_every_task_with_its_parameters(self):
        tasks = {task["task"]: task for task in self.json("tasks", "list", "--json")}
        ours = {"needle", "two-hop", "arithmetic", "listops", "few-shot", "density", "code", "prose"}
        self.assertEqual({name for name in tasks if not name.startswith("ruler:")}, ours)
        self.assertEqual(sum(name.startswith("ruler:") for name in tasks), 13)
        depth = next(p for p in tasks["needle"]["parameters"] if p["name"] == "depth")
        self.assertEqual((depth["default"], depth["range"]), ("any", "a number from 0 to 1, or any"))
        self.assertEqual(tasks["listops"]["scorer"], "numeric")
        text = self.cli("tasks", "list").stdout.decode()
        for name in tasks:
            self.assertIn(f"{name}: ", text)

    def test_help_has_examples(self):
        for command in ((), ("list",), ("score",)):
            self.assertIn("Example:\n  fluxscope-cli", self.cli("tasks", *command, "--help").stdout.decode())

    def scored(self, prompts, results, *options):
        self.write("set.jsonl", prompts)
        (self.folder / "results.json").write_text(json.dumps(results))
        return ("tasks", "score", "set.jsonl", "results.json", *options)

    def test_score_judges_by_the_prompts_own_rule_and_groups_by_task_and_length(self):
        prompts = [{"id": f"needle@512-{i}", "kind": "needle", "text": "t", "answer": str(i), "scorer": "contains"} for i in range(4)]
        prompts += [{"id": "needle@1024-0", "kind": "needle", "text": "t", "answer": "a, b", "scorer": "all"},
                    {"id": "mine", "kind": "own", "text": "t", "answer": "x", "scorer": "exact"},
                    {"id": "free", "kind": "own", "text": "no scorer"}]
        results = [{"id": f"needle@512-{i}", "text": f"it is {i}" if i else "unknown"} for i in range(4)]
        results += [{"id": "needle@1024-0", "text": "b"}, {"id": "mine", "text": "X."}]
        rows = self.json(*self.scored(prompts, results, "--json"))["results"]
        self.assertEqual([(r["task"], r["length"], r["samples"], r["score"]) for r in rows],
                         [("needle", 512, 4, 0.75), ("needle", 1024, 1, 0.5), ("own", None, 1, 1.0)])
        self.assertAlmostEqual(rows[0]["low"], 0.3006, places=4)
        self.assertAlmostEqual(rows[0]["high"], 0.9544, places=4)
        table = self.cli(*self.scored(prompts, results)).stdout.decode().splitlines()
        self.assertEqual(table[0].split(), ["task", "length", "samples", "score", "95", "%", "interval"])
        self.assertEqual(table[1].split(), ["needle", "512", "4", "0.750", "0.301", "to", "0.954"])
        self.assertEqual(table[3].split()[:4], ["own", "-", "1", "1.000"])

    def test_score_says_what_is_missing(self):
        prompt = {"id": "a@9-0", "kind": "a", "text": "t", "answer": "x", "scorer": "exact"}
        self.assertIn("results.json: has no answer to 'a@9-0'", self.refusal(*self.scored([prompt], []), code=3))
        self.assertIn("is not a JSON array", self.refusal(*self.scored([prompt], {}), code=3))
        self.assertIn("without an id and a text", self.refusal(*self.scored([prompt], [{"id": 1}]), code=3))
        self.assertIn("scorer is 'fuzzy'", self.refusal(*self.scored([{**prompt, "scorer": "fuzzy"}], []), code=3))
        unscored = {"id": "a", "kind": "a", "text": "t"}
        self.assertIn("has no prompt with a scorer", self.refusal(*self.scored([unscored], []), code=3))
        likely = {**prompt, "scorer": "likelihood"}
        self.assertIn("was not forced", self.refusal(*self.scored([likely], [{"id": "a@9-0", "text": "x", "end": "max-new"}]), code=3))


class WithEngine(Program):
    def setUp(self):
        super().setUp()
        if not OPTIONS.tiny_model:
            self.skipTest("this build has no engine")

    def generate(self, *options):
        self.cli("tasks", "generate", self.model, *options, "--out", "set.jsonl")
        return [json.loads(line) for line in (self.folder / "set.jsonl").read_text().splitlines()]

    def test_prompts_are_as_long_as_asked_for_by_the_models_tokenizer(self):
        prompts = self.generate("--task", "needle", "ruler:vt,hops=2", "--length", 400, 1000, "--samples", 2)
        self.assertEqual([p["id"] for p in prompts],
                         [f"{task}@{n}-{i}" for task in ("needle", "ruler:vt,hops=2") for n in (400, 1000) for i in range(2)])
        for prompt in prompts:
            asked = int(prompt["id"].split("@")[1].split("-")[0])
            ids = self.json("tokenize", self.model, "--add-special", stdin=prompt["text"].encode())["ids"]
            self.assertLessEqual(len(ids), asked)
            self.assertGreaterEqual(len(ids), 0.99 * asked)

    def test_a_seed_makes_the_same_set_and_the_split_is_even(self):
        options = ("--task", "density", "--length", 600, "--samples", 10, "--split", "30:70")
        prompts = self.generate(*options, "--seed", 5)
        self.assertEqual(self.generate(*options, "--seed", 5), prompts)
        self.assertNotEqual(self.generate(*options, "--seed", 6), prompts)
        self.assertEqual([p["split"] for p in prompts].count("tune"), 3)
        self.assertEqual([p["split"] for p in prompts].count("test"), 7)
        done = self.cli("tasks", "generate", "--tokenizer", self.model, *options, "--seed", 5, "--out", "other.jsonl")
        self.assertEqual((self.folder / "other.jsonl").read_text().splitlines()[0], json.dumps(prompts[0], separators=(",", ":")))
        self.assertIn("wrote 10 prompts into other.jsonl", done.stderr.decode())

    def test_what_run_prints_can_be_scored(self):
        self.generate("--task", "needle", "prose", "--length", 300, "--samples", 2, "--answer-ids", "ids.json")
        prompts = [json.loads(line) for line in (self.folder / "set.jsonl").read_text().splitlines()]
        ids = json.loads((self.folder / "ids.json").read_text())
        results = self.cli("run", self.model, "--prompts", "set.jsonl", "--raw", "--force-ids", "ids.json", "--json").stdout
        rows = self.json("tasks", "score", "set.jsonl", "-", "--json", stdin=results)["results"]
        self.assertEqual([(r["task"], r["score"]) for r in rows[:1]], [("needle", 1.0)], "the right answer was forced")
        self.assertEqual(rows[1]["task"], "prose")
        self.assertTrue(0 < rows[1]["score"] < 0.5, f"a random model is surprised: {rows[1]}")
        self.assertEqual(len(ids), len(prompts))

    def test_wrong_use_is_said_in_a_sentence(self):
        self.assertIn("'haystack' is not a task",
                      self.refusal("tasks", "generate", self.model, "--task", "haystack", "--out", "o", code=2))
        self.assertIn("needs a MODEL or --tokenizer FOLDER", self.refusal("tasks", "generate", "--task", "needle", "--out", "o", code=2))
        self.assertIn("--split: '3' is not TUNE:TEST",
                      self.refusal("tasks", "generate", self.model, "--task", "needle", "--split", "3", "--out", "o", code=2))
        self.assertIn("ask for a longer one, or for less in it",
                      self.refusal("tasks", "generate", self.model, "--task", "needle:facts=64", "--length", 100, "--out", "o", code=2))
        self.assertFalse((self.folder / "o").exists())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--tiny-model")
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
