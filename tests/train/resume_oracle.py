"""A training that is killed again and again goes on as if it had never been: the same losses, to the last bit.

    resume_oracle.py TRAIN_DUMP
"""

import os
import signal
import subprocess
import sys
import tempfile

STEPS = 12
KILLS = (3, 4, 7, 10)  # after the line of this step, wherever the training is by then
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def run(dump, folder, kill_after=None):
    """{step: numbers} of a run, killed -9 after a step's line, or to its end."""
    process = subprocess.Popen([dump, "run", folder, str(STEPS)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    lines = {}
    for line in process.stdout:
        step, numbers = line.split(" ", 1)
        lines[int(step)] = numbers
        if int(step) == kill_after:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.read()
    code = process.wait()
    assert code == (0 if kill_after is None else -signal.SIGKILL), f"train-dump ended with {code}"
    return lines


def main():
    dump = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        whole = run(dump, folder)
    assert sorted(whole) == list(range(STEPS)), sorted(whole)
    assert len(set(whole.values())) == STEPS, "the steps do not differ, so that nothing is proved"
    with tempfile.TemporaryDirectory() as folder:
        redone = 0
        last = -1
        for kill_after in (*KILLS, None):
            part = run(dump, folder, kill_after)
            assert min(part) <= last + 1, f"begins at step {min(part)}, and step {last} was the last seen"
            redone += max(0, last + 1 - min(part))
            for step, numbers in part.items():
                assert numbers == whole[step], f"step {step}: {numbers.strip()} resumed, {whole[step].strip()} in one go"
            last = max(part)
        assert last == STEPS - 1
        assert os.listdir(folder) in (["training.safetensors"],), os.listdir(folder)
    print(f"{STEPS} steps, killed {len(KILLS)} times, {redone} done again: the same losses")


main()
