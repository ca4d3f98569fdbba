#!/usr/bin/env python3
"""overhead and ceilings: what recording costs and what the machine can reach, measured, kept and told by captures."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from program import OPTIONS, Engine, main, opened


class Limits(Engine):
    def limits(self, *arguments, seconds=240, code=0):
        """A measuring command with a cache of its own."""
        done = subprocess.run([OPTIONS.program, *map(str, arguments)], capture_output=True, cwd=self.folder, timeout=seconds,
                              env={**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")})
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr.decode(errors='replace')}")
        return done

    SHORT = ["--length", "64", "--max-new", "4", "--pairs", "6"]

    def environment_of_a_run(self, tokens):
        (self.folder / "set.jsonl").write_text(json.dumps({"id": "a", "kind": "x", "ids": [5] * tokens}) + "\n")
        (self.folder / "e.fluxdb").unlink(missing_ok=True)
        self.limits("run", self.model, "--prompts", "set.jsonl", "--max-new", "2", "--capture", "e.fluxdb")
        with opened(self.folder / "e.fluxdb") as capture:
            return {name: (value, source) for name, value, source in
                    capture.execute("SELECT name, value, source FROM environment")}

    def test_overhead_is_measured_kept_and_told_by_captures(self):
        value, source = self.environment_of_a_run(64)["overhead"]
        self.assertEqual(value, f"not measured: fluxscope-cli overhead {self.model} --dtype fp32 --length 64")
        self.assertEqual(source, "not measured")

        before = set(pathlib.Path(tempfile.gettempdir()).glob("fluxscope-overhead-*"))
        first = json.loads(self.limits("overhead", self.model, *self.SHORT, "--json").stdout)
        self.assertEqual(set(pathlib.Path(tempfile.gettempdir()).glob("fluxscope-overhead-*")) - before, set(), "nothing stays")
        self.assertFalse(first["kept"])
        self.assertEqual((first["prompt_tokens"], first["new_tokens"], first["key"]["collectors"], first["key"]["length"]),
                         (64, 4, "host-timer", 64))
        for name in ("prefill", "token", "whole"):
            figure = first[name]
            self.assertEqual(figure["pairs"], 6)
            self.assertGreater(figure["without_s"], 0)
            self.assertLessEqual(figure["low"], figure["ratio"])
            self.assertLessEqual(figure["ratio"], figure["high"])
            self.assertGreaterEqual(figure["coverage"], 0.95)
            self.assertEqual(figure["includes_no_change"], figure["low"] <= 1 <= figure["high"])
        again = json.loads(self.limits("overhead", self.model, *self.SHORT, "--json").stdout)
        self.assertEqual(again, {**first, "kept": True})
        text = self.limits("overhead", self.model, *self.SHORT).stdout.decode()
        self.assertIn("--again measures anew", text)
        self.assertRegex(text, r"whole run .*95 % interval .* (includes|excludes) 0")

        value, source = self.environment_of_a_run(40)["overhead"]
        self.assertRegex(value, r"^prefill [+-][0-9.]+ % \(95 % interval ")
        self.assertIn("measured: fluxscope-cli overhead, ", source)
        self.assertIn("--length 128", self.environment_of_a_run(65)["overhead"][0])

    def test_overhead_says_that_its_cache_is_damaged_and_rebuilds_it(self):
        cache = self.folder / "cache/fluxscope/overhead.json"
        cache.parent.mkdir(parents=True)
        cache.write_text("{ half")
        said = self.limits("overhead", self.model, *self.SHORT, "--json").stderr.decode()
        self.assertIn("overhead.json: is damaged", said)
        self.assertEqual(len(json.loads(cache.read_text())["entries"]), 1)
        self.assertEqual([file.name for file in cache.parent.iterdir()], ["overhead.json"])

    def measuring(self, seconds=120):
        """overhead in the midst of its runs, and the ids of its two workers."""
        process = subprocess.Popen([OPTIONS.program, "overhead", self.model, "--length", "64", "--max-new", "8", "--pairs", "10000"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                                   env={**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache"), "TMPDIR": str(self.folder)})
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + seconds
        # Runs are numbered, and 0 and 1 do not count.
        while not any(int(file.name.split(".")[0][4:]) > 2 for file in self.folder.glob("fluxscope-overhead-*/run-*")):
            self.assertIsNone(process.poll(), "it ended before it measured")
            self.assertLess(time.monotonic(), deadline, "it never measured")
            time.sleep(0.005)
        workers = [int(pid) for pid in children.read_text().split()]
        self.assertEqual(len(workers), 2)
        return process, workers

    def assert_all_gone(self, workers):
        for worker in workers:
            self.assertFalse(pathlib.Path(f"/proc/{worker}").exists(), f"worker {worker} is still there")
        self.assertEqual(list(self.folder.glob("fluxscope-overhead-*")), [], "its captures are still there")
        self.assertFalse((self.folder / "cache").exists(), "it kept something")

    def test_overhead_can_be_cancelled_and_leaves_no_worker(self):
        process, workers = self.measuring()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 5, err)
        self.assertEqual((out, err.count(b"\n")), (b"", 1), err)
        self.assert_all_gone(workers)

    def test_overhead_says_that_it_lost_a_worker(self):
        process, workers = self.measuring()
        os.kill(workers[1], signal.SIGKILL)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 6, err)
        self.assertEqual(out, b"")
        self.assertIn(b"overhead: lost the worker that records to signal 9", err)
        self.assert_all_gone(workers)

    def test_overhead_and_ceilings_refuse_what_cannot_be(self):
        self.assertIn("--pairs", self.sentence(self.cli("overhead", self.model, "--pairs", "5", code=2)))
        self.assertIn("context", self.sentence(self.limits("overhead", self.model, "--length", "100000", code=2)))
        self.assertIn("gone", self.sentence(self.cli("overhead", "gone", code=3)))
        self.assertIn("--device", self.sentence(self.cli("ceilings", "--device", "tpu", code=2)))

    def test_ceilings_are_measured_kept_and_told_by_captures(self):
        self.assertNotIn("ceiling_flops", self.environment_of_a_run(4))
        first = json.loads(self.limits("ceilings", "--json").stdout)
        self.assertEqual([rate["what"] for rate in first["bandwidth"]], ["read", "copy", "triad"])
        self.assertEqual(first["bytes_per_second"], max(rate["best"] for rate in first["bandwidth"]))
        self.assertEqual(set(first["flops_per_second"]), {"fp32", "bf16"})
        for dtype, best in first["flops_per_second"].items():
            self.assertEqual(best, max(rate["best"] for rate in first["products"] if rate["what"] == dtype))
        self.assertEqual(json.loads(self.limits("ceilings", "--json").stdout), {**first, "kept": True})
        self.assertIn("--again measures anew", self.limits("ceilings").stdout.decode())
        told = self.environment_of_a_run(4)
        for name, best in (("ceiling_bytes_per_second", first["bytes_per_second"]),
                           ("ceiling_flops", first["flops_per_second"]["fp32"]),
                           ("ceiling_flops_fp32", first["flops_per_second"]["fp32"]),
                           ("ceiling_flops_bf16", first["flops_per_second"]["bf16"])):
            value, source = told[name]
            self.assertAlmostEqual(float(value), best, delta=1)
            self.assertTrue(source.startswith(f"measured: fluxscope-cli ceilings, {first['measured'][:10]}"), source)


if __name__ == "__main__":
    main(Limits)
