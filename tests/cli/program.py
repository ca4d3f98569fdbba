"""What the tests of fluxscope-cli share: the program itself, run as a user would, in a folder of its own.

    SOMETHING_test.py --program fluxscope-cli [--tiny-model tiny-model] [NAME...]

With names, only the tests whose name has one of them. Without --tiny-model (a build without the engine) only what such a build has is tested.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

OPTIONS = argparse.Namespace(program=None, tiny_model=None)


class Program(unittest.TestCase):
    """Each test works in an empty folder, with `model` beside it."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="cli-"))
        if OPTIONS.tiny_model:
            cls.model = cls.shared / "model"
            subprocess.run([OPTIONS.tiny_model, cls.model], check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.shared))

    def cli(self, *arguments, stdin=b"", code=0, environment=None):
        done = subprocess.run([OPTIONS.program, *map(str, arguments)], input=stdin, capture_output=True, cwd=self.folder,
                              timeout=60, env={**os.environ, **(environment or {})})
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr.decode(errors='replace')}")
        return done

    def json(self, *arguments, **keywords):
        return json.loads(self.cli(*arguments, **keywords).stdout)

    def sentence(self, done):
        """The one line on stderr; nothing on stdout."""
        self.assertEqual(done.stdout, b"")
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith("fluxscope-cli: "), lines[0])
        return lines[0]

    def broken_copy(self):
        copy = self.folder / "broken"
        shutil.copytree(self.model, copy)
        return copy

    def two_prompts(self):
        (self.folder / "set.jsonl").write_text('{"id":"a","kind":"needle","text":"The key is 7313."}\n'
                                               '{"id":"b","kind":"prose","text":"Once upon a time"}\n')
        return ["run", self.model, "--prompts", "set.jsonl", "--json", "--sparse", "streaming:sink=2,window=8,granularity=token"]


class Engine(Program):
    """Of a build with the engine, on the tiny model."""


def opened(file):
    return contextlib.closing(sqlite3.connect(file))


def wait_for_rows(file, query, seconds=20):
    """Until another process has written what the query counts."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as capture:
                if capture.execute(query).fetchone()[0] > 0:
                    return
        except sqlite3.Error:
            pass
        time.sleep(0.02)
    raise AssertionError(f"{file} never had rows for {query}")


def main(*cases):
    """Runs the tests of these classes; those of an `Engine` only where there is one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--tiny-model")
    parser.add_argument("names", nargs="*")
    parser.parse_args(namespace=OPTIONS)
    loader = unittest.TestLoader()
    tests = [test for case in cases if OPTIONS.tiny_model or not issubclass(case, Engine)
             for test in loader.loadTestsFromTestCase(case)]
    if OPTIONS.names:
        tests = [test for test in tests if any(name in test.id() for name in OPTIONS.names)]
    sys.exit(0 if unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(tests)).wasSuccessful() else 1)
