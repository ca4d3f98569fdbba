#!/usr/bin/env python3
"""capture: cutting and joining captures, on those recorded on an H200."""
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

from program import OPTIONS, Program, main, opened

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "sample_data" / "captures"


class Captures(Program):
    def setUp(self):
        super().setUp()
        for name in ("full", "routed"):
            shutil.copy(SAMPLES / f"h200-32k-{name}.fluxdb", self.folder / f"{name}.fluxdb")

    def rows(self, file, query):
        with opened(self.folder / file) as capture:
            return capture.execute(query).fetchall()

    def left(self):
        return sorted(file.name for file in self.folder.iterdir())

    def test_slice_cuts_out_steps(self):
        self.cli("capture", "slice", "full.fluxdb", "part.fluxdb", "--steps", "2:3")
        self.assertEqual(self.cli("capture", "check", "part.fluxdb").stdout, b"part.fluxdb is sound\n")
        self.assertEqual(self.rows("part.fluxdb", "SELECT DISTINCT step FROM kernel"), [(2,)])
        self.assertEqual(self.rows("part.fluxdb", "SELECT count(*) FROM decision"), self.rows("full.fluxdb", "SELECT count(*) FROM decision"))
        said, = self.rows("part.fluxdb", "SELECT value FROM environment WHERE name = 'slice'")[0]
        self.assertTrue(said.startswith("steps 2:3 of full.fluxdb, itself seconds 0:0.39,"), said)
        self.assertEqual(self.left(), ["full.fluxdb", "part.fluxdb", "routed.fluxdb"])

    def test_slice_cuts_out_seconds(self):
        self.cli("capture", "slice", "routed.fluxdb", "part.fluxdb", "--time", "0:0.1", "--runs", "1")
        self.assertEqual(self.cli("capture", "check", "part.fluxdb").stdout, b"part.fluxdb is sound\n")
        last, = self.rows("part.fluxdb", "SELECT max(l.begin_ns - r.begin_ns) FROM layer_step AS l JOIN run AS r USING (run)")[0]
        self.assertLess(last, 100_000_000)

    def test_merge_joins_runs(self):
        self.cli("capture", "merge", "both.fluxdb", "full.fluxdb", "routed.fluxdb")
        self.assertEqual(self.cli("capture", "check", "both.fluxdb").stdout, b"both.fluxdb is sound\n")
        self.assertEqual(self.rows("both.fluxdb", "SELECT run, policy_name FROM run"), [(1, "full"), (2, "routed:0.5")])
        self.assertEqual(self.rows("both.fluxdb", "SELECT count(*) FROM model"), [(1,)])
        kernels = [self.rows(file, "SELECT count(*) FROM kernel")[0][0] for file in ("both.fluxdb", "full.fluxdb", "routed.fluxdb")]
        self.assertEqual(kernels[0], kernels[1] + kernels[2])
        self.assertIn("in one of the files before it", self.sentence(
            self.cli("capture", "merge", "twice.fluxdb", "both.fluxdb", "full.fluxdb", code=3)))

    def test_wrong_arguments_are_one_sentence_and_no_file(self):
        common = ["capture", "slice", "full.fluxdb", "part.fluxdb"]
        for more, words in ((["--steps", "5"], "--steps: has '5', which is no range"),
                            (["--steps", "2:1"], "has '2:1'"),
                            (["--steps", "0:1,,2:3"], "has ''"),
                            (["--steps", "0:1,"], "has ''"),
                            (["--steps=-1:2"], "has '-1:2'"),
                            (["--time", "0:soon"], "--time: has '0:soon'"),
                            (["--time", "0:nan"], "has '0:nan'"),
                            (["--time", "0:1e300"], "has '0:1e300'"),
                            (["--runs", "1,x"], "--runs"),
                            (["--runs", "9"], "finds no run 9"),
                            (["--steps", "1000:2000"], "leaves nothing of full.fluxdb; its steps are 0 to "),
                            ([], "does not say which part")):
            with self.subTest(more):
                self.assertIn(words, self.sentence(self.cli(*common, *more, code=2)))
        self.sentence(self.cli("capture", "merge", "part.fluxdb", code=2))
        self.assertIn("is there already", self.sentence(self.cli("capture", "slice", "full.fluxdb", "routed.fluxdb", "--runs", "1", code=3)))
        self.assertIn("is there already", self.sentence(self.cli("capture", "merge", "full.fluxdb", "routed.fluxdb", code=3)))
        self.assertIn("gone.fluxdb", self.sentence(self.cli("capture", "merge", "all.fluxdb", "gone.fluxdb", code=3)))
        self.assertIn("could not be written", self.sentence(self.cli("capture", "slice", "full.fluxdb", "no/folder.fluxdb", "--runs", "1", code=4)))
        self.assertEqual(self.left(), ["full.fluxdb", "routed.fluxdb"])

    def test_an_interrupt_ends_slice_and_merge_and_leaves_nothing(self):
        # Seconds of copying: the signal comes milliseconds after the new file has begun to be made.
        with opened(self.folder / "full.fluxdb") as capture:
            columns = "place, step, attribution, begin_ns, duration_ns, thread, correlation, name"
            capture.execute(f"INSERT INTO api ({columns}) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) "
                            f"SELECT {columns} FROM n, (SELECT * FROM api WHERE api = (SELECT max(api) FROM api))")
            capture.commit()
        before = {name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest() for name in self.left()}
        for arguments in (["slice", "full.fluxdb", "new.fluxdb", "--runs", "1"], ["merge", "new.fluxdb", "routed.fluxdb", "full.fluxdb"]):
            with self.subTest(arguments[0]):
                # At the lowest priority: whatever else runs here, this test's turn comes first.
                process = subprocess.Popen([OPTIONS.program, "capture", *arguments], cwd=self.folder, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, preexec_fn=lambda: os.nice(19))
                while not (self.folder / f"new.fluxdb.part{process.pid}").exists():
                    self.assertIsNone(process.poll(), "it ended before it began")
                    time.sleep(0.001)
                process.send_signal(signal.SIGINT)
                out, said = process.communicate(timeout=50)
                self.assertEqual(process.returncode, 5, said)
                self.assertEqual(out, b"")
                self.assertIn(b"new.fluxdb", said)
                after = {name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest() for name in self.left()}
                self.assertEqual(after, before)


if __name__ == "__main__":
    main(Captures)
