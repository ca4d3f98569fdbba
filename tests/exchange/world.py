"""What the tests of export and import have in common: the programs, and a folder of its own for each test."""
import argparse
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

OPTIONS = None


def idle_megabytes():
    """What the program takes to do nothing: with the engine in it, the libraries alone are 400 MB."""
    process = subprocess.Popen([OPTIONS.program, "export", "--help"], stdout=subprocess.DEVNULL)
    return os.wait4(process.pid, 0)[2].ru_maxrss / 1024


class World(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="exchange-", dir="."))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def cli(self, *arguments, code=0):
        done = subprocess.run([OPTIONS.program, *map(str, arguments)], capture_output=True, cwd=self.folder, timeout=600)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr.decode(errors='replace')}")
        return done.stderr.decode()

    def generate(self, kernels=300, prompt=""):
        subprocess.run([OPTIONS.generator, "run.fluxdb", str(kernels), prompt], check=True, cwd=self.folder)
        return "run.fluxdb"

    def rows(self, sql, capture="out.fluxdb"):
        with sqlite3.connect(self.folder / capture) as database:
            return database.execute(sql).fetchall()

    def refused(self, file, *parts):
        """One sentence that names the file, exit 3, and nothing left behind."""
        before = sorted(os.listdir(self.folder))
        text = self.cli("import", file, "--out", "refused.fluxdb", code=3)
        self.assertEqual(len(text.splitlines()), 1, text)
        for part in (str(file), *parts):
            self.assertIn(part, text)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        return text


def main():
    global OPTIONS
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, type=os.path.abspath)
    parser.add_argument("--generator", required=True, type=os.path.abspath)
    parser.add_argument("--source", required=True, type=os.path.abspath)
    parser.add_argument("tests", nargs="*")
    OPTIONS = parser.parse_args()
    unittest.main(argv=[sys.argv[0], *OPTIONS.tests], verbosity=2)
