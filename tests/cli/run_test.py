#!/usr/bin/env python3
"""run: what it prints, records, refuses, and how it is cancelled; report."""
import json
import os
import pty
import signal
import subprocess

from program import OPTIONS, Engine, main, opened, wait_for_rows


class Runs(Engine):
    def test_run_json_has_the_promised_shape(self):
        (self.folder / "set.jsonl").write_text('{"id":"a","kind":"needle","text":"The key is 7313."}\n'
                                               '{"id":"b","kind":"prose","text":"Once upon a time"}\n')
        done = self.cli("run", self.model, "--prompts", "set.jsonl", "--max-new", "5", "--json", "--capture", "r.fluxdb")
        sequences = json.loads(done.stdout)
        self.assertEqual([sequence["id"] for sequence in sequences], ["a", "b"])
        for sequence in sequences:
            self.assertLessEqual({"prompt_ids", "ids", "text", "logprobs", "decisions", "prefill_s", "decode_s", "ttft_s",
                                  "kv_bytes"}, set(sequence))
            self.assertEqual(len(sequence["ids"]), len(sequence["logprobs"]))
            self.assertLessEqual(len(sequence["ids"]), 5)
            self.assertEqual(len(sequence["decisions"]), 8)
            self.assertTrue(all(logprob <= 0 for logprob in sequence["logprobs"]))
            self.assertGreater(sequence["kv_bytes"], 0)
        again = self.json("run", self.model, "--prompts", "set.jsonl", "--max-new", "5", "--json")
        for key in ("prompt_ids", "ids", "text", "logprobs", "decisions", "kv_bytes"):
            self.assertEqual([s[key] for s in sequences], [s[key] for s in again], key)

        # A pipe has no progress: what stderr says are whole sentences.
        stderr = done.stderr.decode()
        self.assertNotIn("\r", stderr)
        self.assertNotIn("\x1b", stderr)
        self.assertIn("random and untrained", stderr)
        with opened(self.folder / "r.fluxdb") as capture:
            self.assertEqual(capture.execute("SELECT outcome, role FROM run").fetchall(), [("finished", "timed")])
            self.assertEqual(capture.execute("SELECT count(*) FROM decision").fetchone(), (16,))
            warm_up, = capture.execute("SELECT value FROM environment WHERE name = 'warm_up'").fetchone()
            self.assertIn("one discarded pass", warm_up)
        self.assertEqual(list(self.folder.glob("r.fluxdb-*")), [], "one file that travels")

    def test_run_in_a_batch_says_what_each_prompt_says_alone(self):
        common = [*self.two_prompts(), "--max-new", "6"]
        alone, together = self.json(*common), self.json(*common, "--batch", "2")
        for key in ("id", "prompt_ids", "ids", "text", "decisions", "kv_bytes", "end"):
            self.assertEqual([s[key] for s in together], [s[key] for s in alone], key)

    def test_run_goes_on_with_follow_ups(self):
        common = [*self.two_prompts(), "--max-new", "3", "--follow-up", "And then?", "--follow-up", "Why?"]
        for mode in ("keep", "redo"):
            for sequence in self.json(*common, "--turns", mode):
                self.assertEqual([turn["kept_cache"] for turn in sequence["turns"]], [mode == "keep"] * 2)
                self.assertGreater(sequence["turns"][1]["kv_bytes"], 0)

    def test_run_forecasts_memory_and_does_not_run(self):
        common = ["run", self.model, "--prompt", "x " * 500, "--max-new", "100", "--forecast", "--sparse",
                  "streaming:sink=2,window=8,granularity=token"]
        said = self.json(*common, "--json")
        self.assertLess(said["kv_bytes_all_sparse"], said["kv_bytes_all_full"])
        self.assertEqual(said["needed_bytes"], [said["activation_bytes"] + said["kv_bytes_all_sparse"],
                                                said["activation_bytes"] + said["kv_bytes_all_full"]])
        self.assertTrue(said["fits_all_full"])
        self.assertIn("fits            yes", self.cli(*common).stdout.decode())
        run = self.json(*[a for a in common if a != "--forecast"][:-2], "--policy", "full", "--json")[0]
        self.assertGreaterEqual(said["kv_bytes_all_full"], run["kv_bytes"])

    def test_run_ranks_layers_by_entropy_and_keeps_the_scores(self):
        first = self.json(*self.two_prompts(), "--max-new", "2", "--policy", "entropy:3", "--capture", "r.fluxdb")
        self.assertEqual([sum(s["decisions"]) for s in first], [3, 3])
        with opened(self.folder / "r.fluxdb") as capture:
            policy = json.loads(capture.execute("SELECT policy FROM run").fetchone()[0])
        self.assertEqual((policy["count"], len(policy["scores"])), (3, 8))
        best = sorted(range(8), key=lambda layer: (-policy["scores"][layer], layer))[:3]
        self.assertEqual(first[0]["decisions"], [int(layer in best) for layer in range(8)])

    def test_run_decides_by_head_from_a_file(self):
        (self.folder / "p.json").write_text(json.dumps({"kind": "frozen", "layers": ["10", "01", "1", "0", "11", "00", "1", "0"]}))
        for sequence in self.json(*self.two_prompts(), "--max-new", "4", "--policy", "p.json"):
            self.assertEqual(sequence["head_decisions"], [[1, 0], [0, 1], [1, 1], [0, 0], [1, 1], [0, 0], [1, 1], [0, 0]])
            self.assertEqual(sequence["decisions"], [0, 0, 1, 0, 1, 0, 1, 0])

    def test_run_appends_to_a_capture(self):
        for policy in ("full", "sparse"):
            self.cli("run", self.model, "--prompt", "hello", "--max-new", "2", "--policy", policy, "--capture", "r.fluxdb")
        with opened(self.folder / "r.fluxdb") as capture:
            self.assertEqual(capture.execute("SELECT run, policy_name FROM run ORDER BY run").fetchall(),
                             [(1, "full"), (2, "sparse")])

    def test_run_keeps_prompts_to_itself_when_asked(self):
        secret = {"id": "a", "kind": "needle", "text": "The password is swordfish.", "answer": "swordfish"}
        (self.folder / "set.jsonl").write_text(json.dumps(secret) + "\n")
        common = ["run", self.model, "--prompts", "set.jsonl", "--max-new", "4", "--json"]
        first = self.json(*common, "--no-prompt-text", "--capture", "r.fluxdb")
        self.assertNotIn(b"swordfish", (self.folder / "r.fluxdb").read_bytes())
        with opened(self.folder / "r.fluxdb") as capture:
            self.assertEqual(capture.execute("SELECT text, answer, length(hash) FROM prompt").fetchall(), [(None, "", 32)])
            self.assertEqual(capture.execute("SELECT count(*) FROM token WHERE step = -1").fetchall(), [(0,)])
            self.assertEqual(capture.execute("SELECT count(*) FROM token").fetchall(), [(4,)])
        replay = ["run", self.model, "--replay", "r.fluxdb", "--json"]
        self.assertIn("does not hold its prompts' tokens", self.sentence(self.cli(*replay, code=3)))
        again = self.json(*replay, "--prompts", "set.jsonl", "--no-prompt-text", "--capture", "again.fluxdb")
        for key in ("id", "prompt_ids", "ids", "decisions", "kv_bytes", "logprobs"):
            self.assertEqual(again[0][key], first[0][key], key)
        self.assertNotIn(b"swordfish", (self.folder / "again.fluxdb").read_bytes())
        self.assertIn("other prompts", self.sentence(self.cli(*replay, "--prompt", "x", "--no-prompt-text", "--capture", "b.fluxdb", code=2)))
        self.assertIn("--no-prompt-text", self.sentence(self.cli(*replay, "--prompts", "set.jsonl", code=2)))
        self.assertIn("--capture", self.sentence(self.cli(*common, "--no-prompt-text", code=2)))

    def test_run_shows_progress_to_a_terminal(self):
        master, slave = pty.openpty()
        process = subprocess.Popen([OPTIONS.program, "run", self.model, "--prompt", "x " * 300, "--max-new", "40"],
                                   stdout=subprocess.DEVNULL, stderr=slave, cwd=self.folder)
        os.close(slave)
        seen = b""
        try:
            while chunk := os.read(master, 65536):
                seen += chunk
        except OSError:  # the terminal's other side is gone
            pass
        self.assertEqual(process.wait(60), 0)
        self.assertIn(b"\r\x1b[K", seen)

    def test_run_refusals(self):
        self.sentence(self.cli("run", self.model, code=2))
        self.sentence(self.cli("run", self.model, "--prompt", "a", "--prompt-file", "b", code=2))
        self.sentence(self.cli("run", self.model, "--prompt", "a", "--max-new", "0", code=2))
        self.sentence(self.cli("run", self.model, "--prompt", "a", "--replay", "x.fluxdb", code=2))
        self.sentence(self.cli("run", self.model, "--replay", "gone.fluxdb", code=3))
        self.sentence(self.cli("run", self.model, "--replay", "gone.fluxdb", "--raw", code=2))
        self.sentence(self.cli("run", self.model, "--replay", "gone.fluxdb", "--policy", "full", code=2))
        self.sentence(self.cli("run", self.model, "--prompt", "a", "--replay-run", "1", code=2))
        for own in (["--follow-up", "x"], ["--probe", "4"], ["--max-new", "3"], ["--temperature", "1"], ["--sampling", "model"]):
            self.sentence(self.cli("run", self.model, "--replay", "gone.fluxdb", *own, code=2))
        self.sentence(self.cli("run", self.model, "--prompt", "a", "--sampling", "wild", code=2))
        for probe in ("0", "x", "4:actor", "4:", "-1", ""):
            with self.subTest(probe=probe):
                self.sentence(self.cli("run", self.model, "--prompt", "a", f"--probe={probe}", code=2))
        self.sentence(self.cli("run", self.model, "--prompt", "a", "--turns", "redo", code=2))
        self.sentence(self.cli("run", self.model, "--prompt", "a", "--batch", "0", code=2))
        self.sentence(self.cli("run", self.model, "--prompt", "a", "--forecast", "--capture", "r.fluxdb", code=2))
        (self.folder / "ids.json").write_text("[[1,2],[3]]")
        self.assertIn("--force-ids", self.sentence(
            self.cli("run", self.model, "--prompt", "a", "--force-ids", "ids.json", code=2)))
        (self.folder / "ids.json").write_text('[[1,"x"]]')
        self.assertIn("prompt 1", self.sentence(
            self.cli("run", self.model, "--prompt", "a", "--force-ids", "ids.json", code=3)))
        self.sentence(self.cli("run", "no/such/model", "--prompt", "a", code=3))
        self.sentence(self.cli("run", self.model, "--prompts", "gone.jsonl", code=3))
        (self.folder / "set.jsonl").write_text('{"id":"a","text":"x"}\n{"id":"a","text":"y"}\n')
        self.assertIn("set.jsonl:2", self.sentence(self.cli("run", self.model, "--prompts", "set.jsonl", code=3)))

    def test_run_does_not_touch_a_file_that_is_no_capture(self):
        (self.folder / "notes.txt").write_text("precious")
        done = self.cli("run", self.model, "--prompt", "a", "--max-new", "1", "--capture", "notes.txt", code=3)
        self.assertIn("notes.txt", done.stderr.decode())
        self.assertEqual((self.folder / "notes.txt").read_text(), "precious")

    def test_ctrl_c_cancels_and_the_capture_is_whole(self):
        process = subprocess.Popen([OPTIONS.program, "run", self.model, "--prompt", "go", "--max-new", "4000", "--capture",
                                    "r.fluxdb", "--policy", "full"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        wait_for_rows(self.folder / "r.fluxdb", "SELECT count(*) FROM token WHERE step >= 0")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 5, err)
        self.assertEqual(out, b"")
        self.assertIn(b"cancelled", err)
        with opened(self.folder / "r.fluxdb") as capture:
            self.assertEqual(capture.execute("SELECT outcome FROM run").fetchall(), [("cancelled",)])
        self.assertEqual(list(self.folder.glob("r.fluxdb-*")), [])
        self.cli("report", "r.fluxdb")

    def test_report_in_all_its_forms(self):
        prompt = {"id": "<b>x</b>", "kind": "needle", "text": "<script>alert(1)</script> The key is 7313."}
        (self.folder / "set.jsonl").write_text(json.dumps(prompt) + "\n")
        self.cli("run", self.model, "--prompts", "set.jsonl", "--max-new", "3", "--capture", "r.fluxdb")
        said = self.cli("report", "r.fluxdb", "--html", "r.html", "--md", "r.md", "--json").stdout
        self.assertEqual([run["outcome"] for run in json.loads(said)["runs"]], ["finished"])
        page = (self.folder / "r.html").read_text()
        self.assertIn("<svg", page)
        self.assertNotIn("<script>alert", page)
        markdown = (self.folder / "r.md").read_text()
        self.assertEqual(self.cli("report", "r.fluxdb").stdout.decode(), markdown)
        self.sentence(self.cli("report", "r.fluxdb", "--html", "no/such/folder/r.html", code=4))


if __name__ == "__main__":
    main(Runs)
