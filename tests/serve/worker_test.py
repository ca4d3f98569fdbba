#!/usr/bin/env python3
"""The worker over pipes: load, run, cancel, status, and what is left when it is killed.

    worker_test.py --program fluxscope-cli --tiny-model tiny-model
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

OPTIONS = None


class Worker:
    """One `fluxscope-cli serve`; its events as they come."""

    def __init__(self, folder):
        self.process = subprocess.Popen([OPTIONS.program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=folder)
        self.id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def line(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def send(self, do, **fields):
        self.id += 1
        self.line(json.dumps({"v": 1, "id": self.id, "do": do, **fields}))
        return self.id

    def event(self):
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), line
        return json.loads(line)

    def events_of(self, request):
        """All of one request, to its end; events of others are put together in `others`."""
        events = []
        while not events or events[-1]["event"] not in ("done", "failed"):
            event = self.event()
            if event["re"] == request:
                events.append(event)
        return events

    def ask(self, do, **fields):
        return self.events_of(self.send(do, **fields))[-1]

    def until(self, condition):
        while True:
            event = self.event()
            if condition(event):
                return event


def rows(file, query):
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as capture:
        return capture.execute(query).fetchall()


class WorkerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="worker-"))
        cls.model = str(cls.shared / "model")
        subprocess.run([OPTIONS.tiny_model, cls.model], check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.shared))
        self.capture = self.folder / "r.fluxdb"

    def request(self, **changes):
        return {"prompts": [{"id": "a", "kind": "prose", "text": "Once upon a time"}], "policy": {"kind": "routed", "threshold": 0.5},
                "max_new": 4, "capture": str(self.capture), **changes}

    def loaded(self):
        worker = Worker(self.folder)
        self.assertEqual(worker.event()["event"], "ready")
        self.assertEqual(worker.ask("load", model=self.model)["event"], "done")
        return worker

    def test_load_run_status(self):
        with Worker(self.folder) as worker:
            ready = worker.event()
            self.assertEqual((ready["v"], ready["re"], ready["event"], ready["pid"]), (1, 0, "ready", worker.process.pid))
            self.assertEqual(worker.ask("status"), {"v": 1, "re": 1, "event": "done", "busy": False})
            load = worker.events_of(worker.send("load", model=self.model))
            self.assertEqual(load[-1]["model"]["layers"], 8)
            self.assertEqual((load[-1]["device"], load[-1]["dtype"]), ("cpu", "fp32"))
            self.assertGreater(load[-1]["bytes"], 1 << 20)
            self.assertGreater(load[-1]["seconds"], 0)
            self.assertEqual(load[-1]["recommended"]["temperature"], 0)
            run = worker.events_of(worker.send("run", **self.request()))
            self.assertEqual(run[-1]["event"], "done", run[-1])
            self.assertEqual(run[-1]["run"], 1)
            captures = [event for event in run if event["event"] == "capture"]
            self.assertEqual([event["file"] for event in captures], [str(self.capture)])
            text = "".join(event["text"] for event in run if event["event"] == "token")
            stored = b"".join(row[0] for row in rows(self.capture, "SELECT text FROM token WHERE step >= 0 ORDER BY position"))
            self.assertEqual(text, stored.decode(errors="replace"))
            status = worker.ask("status")
            self.assertEqual((status["busy"], status["model"]["layers"]), (False, 8))
            again = worker.ask("run", **self.request())
            self.assertEqual(again["run"], 2)
            worker.process.stdin.close()
            self.assertEqual(worker.process.wait(20), 0)

    def test_a_run_takes_everything_that_a_run_can_be_asked_for(self):
        with self.loaded() as worker:
            prompts = [{"id": "a", "text": "Once upon a time"}, {"id": "b", "text": "The key is 7313."}]
            done = worker.ask("run", **self.request(
                prompts=prompts, max_new=8, batch=2, seed=7, raw=True, fidelity=True, follow_ups=["And then?"], turns="redo",
                sampling={"temperature": 5.0, "stop": ["never said"]}, probe={"every": 3, "act": True}))
            self.assertEqual(done["event"], "done", done)
            self.assertEqual(rows(self.capture, "SELECT role, seed FROM run"), [("verify", 7)])
            self.assertEqual(rows(self.capture, "SELECT DISTINCT batch, turn FROM scope ORDER BY turn"), [(0, 0), (0, 1)])
            self.assertEqual(rows(self.capture, "SELECT DISTINCT step FROM decision WHERE decided_by = 'probe' ORDER BY step"),
                             [(3,), (6,)])
            drawn = rows(self.capture, "SELECT token FROM token WHERE step >= 0 ORDER BY sequence, turn, step")
            greedy = worker.ask("run", **self.request(prompts=prompts, max_new=8, batch=2, follow_ups=["And then?"]))
            self.assertNotEqual(rows(self.capture, f"SELECT token FROM token WHERE step >= 0 AND run = {greedy['run']} "
                                                   "ORDER BY sequence, turn, step"), drawn)

    def test_a_forecast_says_what_a_run_would_need_and_runs_nothing(self):
        with self.loaded() as worker:
            wanted = {k: v for k, v in self.request(max_new=500).items() if k != "capture"}
            answer = worker.ask("forecast", **wanted)
            forecast = answer["forecast"]
            self.assertEqual(sorted(forecast), ["activations", "available", "kv_all_full", "kv_all_sparse", "weights"])
            self.assertGreater(forecast["kv_all_full"], 500 * 8 * 2 * 2 * 32 * 4)
            longer = worker.ask("forecast", **{**wanted, "max_new": 1000})["forecast"]
            self.assertEqual(longer["kv_all_full"] - forecast["kv_all_full"], 500 * 8 * 2 * 2 * 32 * 4)
            self.assertEqual(worker.ask("forecast", **{**wanted, "policy": {"kind": "mask", "layers": "1"}})["family"], "usage")
            self.assertFalse(self.capture.exists())

    def test_what_is_recommended_comes_with_the_model(self):
        model = self.folder / "model"
        shutil.copytree(self.model, model)
        with Worker(self.folder) as worker:
            worker.event()
            (model / "generation_config.json").write_text('{"do_sample": true, "temperature": 0.6, "top_k": 20}')
            self.assertEqual(worker.ask("load", model=str(model))["recommended"]["top_k"], 20)
            (model / "generation_config.json").write_text('{"do_sample": true, "temperature": -3}')
            self.assertNotIn("recommended", worker.ask("load", model=str(model)), "and yet it loads")

    def test_what_is_not_understood_is_answered_and_the_worker_goes_on(self):
        with self.loaded() as worker:
            for line, re in (("garbage", 0), ('{"v":9,"id":5,"do":"status"}', 5), ('{"v":1,"id":6,"do":"fly"}', 6),
                             ("[" * 100000, 0), ("x" * (65 << 20), 0)):
                worker.line(line)
                answer = worker.event()
                self.assertEqual((answer["re"], answer["event"], answer["family"]), (re, "failed", "usage"))
                self.assertNotIn("\n", answer["message"])
            self.assertEqual(worker.ask("status")["event"], "done")

    def test_a_run_that_cannot_be_is_refused(self):
        with Worker(self.folder) as worker:
            worker.event()
            self.assertEqual(worker.ask("run", **self.request())["family"], "usage")  # no model
            self.assertEqual(worker.ask("load", model="/no/such/model")["family"], "input")
            self.assertEqual(worker.ask("load", model=self.model)["event"], "done")
            self.assertEqual(worker.ask("run", **self.request(policy={"kind": "mask", "layers": "1"}))["family"], "usage")
            self.assertEqual(worker.ask("run", **self.request(capture=self.model + "/config.json"))["family"], "input")
            self.assertEqual(worker.ask("run", **self.request())["event"], "done")

    def test_status_is_answered_while_a_run_goes_on_and_cancel_ends_it(self):
        with self.loaded() as worker:
            run = worker.send("run", **self.request(max_new=4000, policy={"kind": "full"}))
            worker.until(lambda event: event["event"] == "token")
            status = worker.send("status")
            self.assertTrue(worker.until(lambda event: event["re"] == status)["busy"])
            began = time.monotonic()
            cancel = worker.send("cancel")
            self.assertEqual(worker.until(lambda event: event["re"] == cancel)["event"], "done")
            ended = worker.until(lambda event: event["event"] in ("done", "failed"))
            self.assertEqual((ended["re"], ended["event"], ended["family"]), (run, "failed", "cancelled"))
            self.assertLess(time.monotonic() - began, 1.0)
            self.assertEqual(rows(self.capture, "SELECT outcome FROM run"), [("cancelled",)])
            self.assertEqual(worker.ask("run", **self.request())["event"], "done")

    def test_a_cancel_that_overtakes_its_run_in_the_queue_still_counts(self):
        with self.loaded() as worker:
            run = worker.send("run", **self.request(max_new=4000))
            worker.send("cancel")
            self.assertEqual(worker.events_of(run)[-1]["family"], "cancelled")

    def test_it_ends_with_its_input_and_the_capture_is_whole(self):
        with self.loaded() as worker:
            worker.send("run", **self.request(max_new=4000))
            worker.until(lambda event: event["event"] == "token")
            worker.process.stdin.close()
            self.assertEqual(worker.process.wait(20), 0)
            self.assertEqual(rows(self.capture, "SELECT outcome FROM run"), [("cancelled",)])
            self.assertEqual(list(self.folder.glob("r.fluxdb-*")), [])

    def test_a_killed_worker_leaves_a_capture_that_opens(self):
        with self.loaded() as worker:
            worker.send("run", **self.request(max_new=4000))
            for _ in range(5):
                worker.until(lambda event: event["event"] == "token")
            worker.process.send_signal(signal.SIGKILL)
            worker.process.wait()
            self.assertEqual(rows(self.capture, "SELECT outcome, end_ns FROM run"), [(None, None)])
            self.assertEqual(rows(self.capture, "SELECT count(*) FROM decision"), [(8,)])
            self.assertGreater(rows(self.capture, "SELECT count(*) FROM token WHERE step >= 0")[0][0], 0)
            report = subprocess.run([OPTIONS.program, "report", self.capture, "--json"], capture_output=True, timeout=30)
            self.assertEqual(report.returncode, 0, report.stderr)

    def test_progress_comes_at_most_ten_times_a_second(self):
        with self.loaded() as worker:
            began = time.monotonic()
            run = worker.events_of(worker.send("run", **self.request(max_new=300)))
            seconds = time.monotonic() - began
            for kind in ("progress", "token"):
                said = [event for event in run if event["event"] == kind and event.get("stage") != "saving"]
                self.assertLessEqual(len(said), 10 * seconds + 2)
                self.assertGreater(len(said), 0)

    def test_ctrl_c_in_the_terminal_is_not_for_the_worker(self):
        with self.loaded() as worker:
            worker.process.send_signal(signal.SIGINT)
            self.assertEqual(worker.ask("status")["event"], "done")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--tiny-model", required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], "-v", *rest])
