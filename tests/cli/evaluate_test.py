#!/usr/bin/env python3
"""evaluate: what answers are worth under each policy, by hand too, and an evaluation that goes on where it was killed."""
import csv
import io
import json
import math
import os
import signal
import subprocess

from program import OPTIONS, Engine, main, opened, wait_for_rows

SPARSE = ["--sparse", "streaming:sink=4,window=32,granularity=token"]


class Evaluate(Engine):
    def evaluated(self, *arguments):
        return self.json("evaluate", self.model, *arguments, "--json")

    def test_policies_x_tasks_x_lengths_make_a_table(self):
        layers = self.json("info", self.model, "--json")["layers"]
        policies = ["full", "mask:" + ("10" * layers)[:layers], "sparse"]
        asked = ["--task", "needle", "prose", "--length", 300, 400, "--samples", 3, "--batch", 2, "--policy", *policies, *SPARSE]
        said = self.evaluated(*asked, "--csv", "out.csv")
        rows = said["results"]
        self.assertEqual([(r["task"], r["length"], r["policy"]) for r in rows],
                         [(t, n, p) for t in ("needle", "prose") for n in (300, 400) for p in policies])
        self.assertEqual(said["answers"], 2 * 2 * 3 * 3)
        half = (layers + 1) // 2 / layers
        for row in rows:
            self.assertEqual(row["samples"], 3)
            self.assertLessEqual(row["low"], row["score"])
            self.assertLessEqual(row["score"], row["high"])
            self.assertAlmostEqual(row["full_share"], {"full": 1, "sparse": 0}.get(row["policy"], half))
            self.assertEqual(row["scorer"], {"needle": "contains", "prose": "likelihood"}[row["task"]])
            self.assertEqual(row["loss_nats"] is None, row["task"] == "needle")
            self.assertIsNone(row["mean_kl"])
        written = list(csv.DictReader(io.StringIO((self.folder / "out.csv").read_text())))
        self.assertEqual(len(written), len(rows))
        for line, row in zip(written, rows):
            self.assertEqual(set(line), set(row))
            for column, value in row.items():
                if value is None or isinstance(value, str):
                    self.assertEqual(line[column], value or "", column)
                else:
                    self.assertEqual(float(line[column]), value, column)
        done = self.cli("evaluate", self.model, *asked)
        lines = done.stdout.decode().splitlines()
        self.assertRegex(lines[0], r"^task +length +policy +score +95 % interval +full layers +samples +nats a token$")
        self.assertEqual(len(lines), 1 + len(rows))
        self.assertRegex(lines[1], r"^needle +300 +full +0\.000 +0\.000 to 0\.56[12] +100\.0 % +3 +-$")
        self.assertIn("random and untrained", done.stderr.decode())
        self.assertEqual(done.stderr.count(b"\n"), 1, "no progress where nobody looks at a terminal")

    def test_csv_goes_through_a_link_and_into_a_pipe(self):
        asked = ["evaluate", self.model, "--task", "needle", "--length", 300, "--samples", 1, "--policy", "full", "--csv"]
        (self.folder / "real.csv").write_text("before")
        (self.folder / "link.csv").symlink_to("real.csv")
        self.cli(*asked, "link.csv")
        self.assertTrue((self.folder / "link.csv").is_symlink(), "/dev/stdout is such a link")
        text = (self.folder / "real.csv").read_text()
        self.assertTrue(text.startswith("task,split,length,policy,"), text)
        os.mkfifo(self.folder / "pipe")
        reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE, cwd=self.folder)
        self.cli(*asked, "pipe")
        self.assertEqual(reader.communicate(timeout=60)[0].decode(), text)

    def test_prose_is_worth_what_run_gives_its_forced_answer(self):
        self.cli("tasks", "generate", self.model, "--task", "prose", "--length", 300, "--samples", 3, "--seed", 5,
                 "--out", "set.jsonl", "--answer-ids", "ids.json")
        runs = self.json("run", self.model, "--prompts", "set.jsonl", "--raw", "--force-ids", "ids.json", "--policy", "sparse", *SPARSE,
                         "--batch", 3, "--json")
        losses = [-sum(r["logprobs"]) / len(r["logprobs"]) for r in runs]
        row, = self.evaluated("--task", "prose", "--length", 300, "--samples", 3, "--seed", 5, "--policy", "sparse", *SPARSE)["results"]
        self.assertAlmostEqual(row["loss_nats"], sum(losses) / 3, places=6)
        self.assertAlmostEqual(row["score"], sum(math.exp(-loss) for loss in losses) / 3, places=9)
        # The same prompts as a set, by their own scorer.
        again, = self.evaluated("--prompts", "set.jsonl", "--policy", "sparse", *SPARSE)["results"]
        self.assertAlmostEqual(again["score"], row["score"], places=9)
        self.assertEqual((again["task"], again["length"]), ("prose", None))

    def write_set(self):
        """Prompts whose right answers are what the model says, but for one."""
        prompts = [{"id": f"p{i}", "kind": kind, "split": split, "text": f"{kind} number {i}: the answer is"}
                   for i, (kind, split) in enumerate([("a", "tune"), ("a", "test"), ("b", "test"), ("a", "test"), ("b", "tune")])]
        (self.folder / "asked.jsonl").write_text("".join(json.dumps(p) + "\n" for p in prompts))
        runs = self.json("run", self.model, "--prompts", "asked.jsonl", "--raw", "--max-new", 6, "--policy", "full", "--batch", 1, "--json")
        for prompt, run in zip(prompts, runs):
            words = [word for word in run["text"].split("\n")[0].split() if word.isalnum()]
            self.assertTrue(words, f"the tiny model said no word: {run['text']!r}")
            prompt.update(answer=words[0], scorer="contains")
        prompts[3]["answer"] = "nothing of the kind"
        prompts.append({"id": "free", "kind": "c", "split": "test", "text": "Nobody judges this"})
        (self.folder / "set.jsonl").write_text("".join(json.dumps(p) + "\n" for p in prompts))
        return prompts

    def test_prompt_sets_are_grouped_by_kind_and_split(self):
        self.write_set()
        rows = self.evaluated("--prompts", "set.jsonl", "--policy", "full", "--batch", 1)["results"]
        self.assertEqual([(r["task"], r["split"], r["samples"], r["score"]) for r in rows],
                         [("a", "tune", 1, 1), ("a", "test", 2, 0.5), ("b", "test", 1, 1), ("b", "tune", 1, 1)])
        rows = self.evaluated("--prompts", "set.jsonl", "--split", "test", "--policy", "full", "--batch", 1)["results"]
        self.assertEqual([(r["task"], r["samples"]) for r in rows], [("a", 2), ("b", 1)])
        self.assertIn("a (test)", self.cli("evaluate", self.model, "--prompts", "set.jsonl", "--policy", "full").stdout.decode())
        # Without a scorer it can still be compared.
        rows = self.evaluated("--prompts", "set.jsonl", "--split", "test", "--policy", "sparse", "--fidelity", *SPARSE)["results"]
        self.assertEqual([(r["task"], r["score"] is None, r["mean_kl"] is None) for r in rows],
                         [("a", False, False), ("b", False, False), ("c", True, False)])

    def test_fidelity_is_of_what_full_attention_says(self):
        asked = ["--task", "needle", "--length", 300, "--samples", 2, "--seed", 3]
        rows = self.evaluated(*asked, "--policy", "sparse", "full", *SPARSE, "--fidelity")["results"]
        self.assertEqual([r["mean_kl"] is None for r in rows], [False, True])
        self.cli("tasks", "generate", self.model, *asked, "--out", "set.jsonl")
        with self.subTest("by hand"):
            self.cli("evaluate", self.model, *asked, "--policy", "full", "--capture", "full.fluxdb")
            with opened(self.folder / "full.fluxdb") as capture:
                ids = {}
                for sequence, token in capture.execute("SELECT sequence, token FROM token WHERE step >= 0 ORDER BY row"):
                    ids.setdefault(sequence, []).append(token)
            (self.folder / "ids.json").write_text(json.dumps([ids[0], ids[1]]))
            runs = self.json("run", self.model, "--prompts", "set.jsonl", "--raw", "--batch", 2, "--policy", "sparse", *SPARSE,
                             "--force-ids", "ids.json", "--fidelity", "--json")
            self.assertAlmostEqual(rows[0]["mean_kl"], sum(r["fidelity"]["mean_kl"] for r in runs) / 2, places=9)
            self.assertAlmostEqual(rows[0]["same_top1"], sum(r["fidelity"]["top1_agreement"] for r in runs) / 2, places=9)
        table = self.cli("evaluate", self.model, *asked, "--policy", "sparse", *SPARSE, "--fidelity").stdout.decode()
        self.assertIn("KL to full  same first choice", table)
        self.assertNotIn("full  ", table.splitlines()[1].split("needle")[0], "full attention is asked for the comparison only")
        self.assertEqual(len(table.splitlines()), 2)

    # Enough to be interrupted.
    LONG = ["--task", "needle", "prose:sentences=1", "--length", 300, "--samples", 6, "--batch", 2, "--policy", "full", "sparse", "entropy:1",
            "--fidelity", *SPARSE]

    def begun(self, capture):
        process = subprocess.Popen([OPTIONS.program, "evaluate", self.model, *map(str, self.LONG), "--capture", capture],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        wait_for_rows(self.folder / capture, "SELECT count(*) > 5 FROM evaluation")
        return process

    def test_it_goes_on_where_it_was_killed_and_comes_to_the_same(self):
        whole = self.evaluated(*self.LONG)
        self.assertEqual(whole["reused"], 0)
        for _ in range(2):
            process = self.begun("k.fluxdb")
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, -signal.SIGKILL, "it was through before it was killed")
        resumed = self.evaluated(*self.LONG, "--capture", "k.fluxdb")
        self.assertEqual(resumed["results"], whole["results"])
        self.assertGreater(resumed["reused"], 5)
        self.assertLess(resumed["reused"], resumed["answers"])
        self.assertEqual(self.cli("capture", "check", "k.fluxdb").returncode, 0)
        with opened(self.folder / "k.fluxdb") as capture:
            before = capture.execute("SELECT count(*), count(DISTINCT process) FROM run").fetchone()
        again = self.evaluated(*self.LONG, "--capture", "k.fluxdb")
        self.assertEqual(again, {**whole, "reused": whole["answers"]})
        with opened(self.folder / "k.fluxdb") as capture:
            self.assertEqual(capture.execute("SELECT count(*), count(DISTINCT process) FROM run").fetchone(), before, "nothing ran")
        # More samples, and another policy: what is there is used.
        more = self.LONG[:]
        more[more.index("--samples") + 1] = 8
        self.assertEqual(self.evaluated(*more, "--capture", "k.fluxdb")["reused"], whole["answers"])

    def test_another_seed_or_sparse_form_is_not_mixed_in(self):
        asked = ["--task", "needle", "--length", 300, "--samples", 2, "--policy", "sparse", "--capture", "m.fluxdb"]
        self.assertEqual(self.evaluated(*asked, *SPARSE)["reused"], 0)
        self.assertEqual(self.evaluated(*asked, *SPARSE)["reused"], 2)
        self.assertEqual(self.evaluated(*asked, *SPARSE, "--seed", 1)["reused"], 0)
        self.assertEqual(self.evaluated(*asked)["reused"], 0)
        with opened(self.folder / "m.fluxdb") as capture:
            self.assertEqual(capture.execute("SELECT task, length, number, seed, scorer FROM evaluation ORDER BY row LIMIT 4").fetchall(),
                             [("needle", 300, 0, 0, "contains"), ("needle", 300, 1, 0, "contains"),
                              ("needle", 300, 0, 1, "contains"), ("needle", 300, 1, 1, "contains")])
            self.assertEqual(capture.execute("SELECT DISTINCT role FROM run").fetchall(), [("off",)], "never quoted as a latency")
            self.assertEqual(capture.execute("SELECT count(*) FROM scope").fetchone(), (0,))

    def test_cancelled_it_says_how_to_go_on(self):
        process = self.begun("c.fluxdb")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 5, err)
        self.assertEqual(out, b"")
        self.assertRegex(err.decode(), r"^fluxscope-cli: evaluate: was cancelled after \d+ of 60 answers; the same command goes on from there\n$")
        self.assertFalse(os.path.exists(self.folder / "c.fluxdb-wal"), "the file is finished")
        kept = int(err.decode().split("after ")[1].split(" ")[0])
        self.assertEqual(self.evaluated(*self.LONG, "--capture", "c.fluxdb")["reused"], kept)

    def test_no_prompt_text_records_none_and_goes_on_all_the_same(self):
        asked = ["--task", "needle", "--length", 300, "--samples", 2, "--policy", "sparse", "--fidelity", *SPARSE, "--capture", "n.fluxdb",
                 "--no-prompt-text"]
        first = self.evaluated(*asked)
        with opened(self.folder / "n.fluxdb") as capture:
            self.assertEqual(capture.execute("SELECT DISTINCT text, answer FROM prompt").fetchall(), [(None, "")])
            self.assertEqual(capture.execute("SELECT count(*) FROM token WHERE step < 0").fetchone(), (0,))
        self.assertEqual(self.evaluated(*asked), {**first, "reused": first["answers"]})

    def test_wrong_use_is_said_in_a_sentence(self):
        def refused(*arguments, code=2):
            return self.sentence(self.cli("evaluate", self.model, *arguments, code=code))
        self.assertIn("'haystack' is not a task", refused("--task", "haystack"))
        self.assertIn("--policy", refused("--task", "needle", "--policy", "routd"))
        self.assertIn("--sparse", refused("--task", "needle", "--sparse", "window"))
        self.assertIn("--length", refused("--task", "needle", "--length", 0))
        self.assertIn("context holds", refused("--task", "needle", "--length", 4_000_000))
        self.assertIn("ask for a longer one", refused("--task", "needle:facts=64", "--length", 100))
        self.assertIn("mask", refused("--task", "needle", "--length", 300, "--policy", "mask:1"))
        self.assertIn("--split", refused("--task", "needle", "--split", "test"))
        self.assertIn("--task", refused())
        (self.folder / "set.jsonl").write_text('{"id":"a","kind":"k","text":"t"}\n')
        self.assertIn("set.jsonl: has no prompt with a scorer", refused("--prompts", "set.jsonl", code=3))
        (self.folder / "set.jsonl").write_text('{"id":"a","kind":"k","text":"t","scorer":"fuzzy","answer":"x"}\n')
        self.assertIn("scorer is 'fuzzy'", refused("--prompts", "set.jsonl", code=3))
        (self.folder / "set.jsonl").write_text('{"id":"a","kind":"k","text":"t","scorer":"exact"}\n')
        self.assertIn("'a' has a scorer and no answer", refused("--prompts", "set.jsonl", code=3))
        (self.folder / "no.fluxdb").write_text("not a capture")
        self.assertIn("no.fluxdb", refused("--task", "needle", "--length", 300, "--capture", "no.fluxdb", code=3))

    def test_help_has_an_example(self):
        self.assertIn("Example:\n  fluxscope-cli evaluate", self.cli("evaluate", "--help").stdout.decode())


if __name__ == "__main__":
    main(Evaluate)
