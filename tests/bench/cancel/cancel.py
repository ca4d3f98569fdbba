"""How long a cancelled run goes on: from the request to the worker's answer, at several moments of prefill and decode.

    cancel.py CLI MODEL [--device cuda] [--tokens 131072] [--vocabulary 765] [--moments 1 2 4 8 16]

Starts `CLI serve`, loads the model once, and cancels one run at each moment (seconds after it was asked for). Prints a
Markdown table and the longest. The worker answers when nothing runs any more and its capture is finished.
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from pathlib import Path


class Worker:
    def __init__(self, cli):
        self.process = subprocess.Popen([cli, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.asked = 0

    def ask(self, what, **fields):
        self.asked += 1
        self.process.stdin.write(json.dumps({"v": 1, "id": self.asked, "do": what, **fields}) + "\n")
        self.process.stdin.flush()
        return self.asked

    def answer(self, request):
        """The last event of a request, and what it was doing before."""
        stage = "start"
        for line in self.process.stdout:
            event = json.loads(line)
            if event["re"] != request:
                continue
            if event["event"] == "progress" and event["stage"] != "saving":
                stage = event["stage"]
            if event["event"] in ("done", "failed"):
                return event, stage
        raise SystemExit("the worker ended")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cli")
    parser.add_argument("model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--vocabulary", type=int, default=765)
    parser.add_argument("--moments", type=float, nargs="+", default=[0.2, 0.5, 1, 2, 4])
    asked = parser.parse_args()

    worker = Worker(asked.cli)
    done, _ = worker.answer(worker.ask("load", model=asked.model, device=asked.device, collect="off"))
    assert done["event"] == "done", done
    number = random.Random(1)
    ids = [number.randrange(asked.vocabulary) for _ in range(asked.tokens)]
    prompt = {"id": "p", "kind": "random", "ids": ids}
    print(f"{asked.tokens} tokens on {asked.device}\n\n| cancelled after s | in | answered after ms |\n|---|---|---|")
    longest = 0.0
    folder = Path(tempfile.mkdtemp())
    for moment in asked.moments:
        capture = str(folder / f"{moment:g}.fluxdb")
        run = worker.ask("run", prompts=[prompt], policy={"kind": "full"}, max_new=100000, capture=capture)
        time.sleep(moment)
        began = time.perf_counter()
        worker.ask("cancel")
        ended, stage = worker.answer(run)
        waited = 1e3 * (time.perf_counter() - began)
        assert ended["event"] == "failed" and ended["family"] == "cancelled", ended
        longest = max(longest, waited)
        print(f"| {moment:g} | {stage} | {waited:.0f} |", flush=True)
    print(f"\nlongest: {longest:.0f} ms")
    worker.process.stdin.close()
    worker.process.wait()


main()
