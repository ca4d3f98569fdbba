"""The bundle for GPU servers: what it needs of a system, its size, and what its launcher says on machines that cannot run it.

    bundle_test.py SOURCE-DIR BUILD-DIR TORCH-DIR
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

# Ubuntu 22.04's: the oldest system we promise to run on.
NEWEST = {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13)}
# (file, symbol version) -> why a newer one does no harm.
ALLOWED: dict[tuple[str, str], str] = {}
MEBIBYTES = 60

SOURCE = BUILD = TORCH = pathlib.Path()


def too_new(name: str, version_section: str) -> list[str]:
    """The symbol versions in the output of readelf -V that the file needs and the oldest system lacks."""
    needs = version_section.split("Version needs section")[-1] if "Version needs section" in version_section else ""
    found = []
    for family, digits in sorted(set(re.findall(r"Name: (GLIBC|GLIBCXX|CXXABI)_([0-9.]+)", needs))):
        symbol = f"{family}_{digits}"
        if tuple(map(int, digits.split("."))) > NEWEST[family] and (name, symbol) not in ALLOWED:
            found.append(f"{name} needs {symbol}")
    return found


class Packed(unittest.TestCase):
    folder: tempfile.TemporaryDirectory
    bundle: pathlib.Path
    archive: pathlib.Path

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        packed = subprocess.run([SOURCE / "tools/bundle", "--from", BUILD, "--into", cls.folder.name],
                                capture_output=True, text=True, check=False)
        if packed.returncode:
            raise AssertionError(packed.stderr)
        cls.archive = pathlib.Path(packed.stdout.strip())
        cls.bundle = pathlib.Path(str(cls.archive).removesuffix(".tar.gz"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def elves(self):
        return [path for path in self.bundle.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]

    def start(self, *arguments, **environment):
        base = {k: v for k, v in os.environ.items() if k not in ("FLUXSCOPE_TORCH", "LD_LIBRARY_PATH")}
        return subprocess.run([self.bundle / "fluxscope-cli", *arguments], capture_output=True, text=True, check=False,
                              env=base | {key: str(value) for key, value in environment.items()})

    def test_asks_for_no_newer_system_than_promised(self):
        self.assertGreaterEqual(len(self.elves()), 3)
        found = []
        for path in self.elves():
            section = subprocess.run(["readelf", "-V", path], capture_output=True, text=True, check=True).stdout
            found += too_new(path.name, section)
        self.assertEqual(found, [])

    def test_is_small_and_brings_neither_torch_nor_the_system(self):
        self.assertLessEqual(self.archive.stat().st_size, MEBIBYTES << 20)
        names = {path.name for path in self.elves()}
        foreign = [n for n in names if re.match(r"lib(torch|c10|cuda|cublas|nv|c\.|m\.|stdc|gcc|Qt)", n)]
        self.assertEqual(foreign, [])

    def test_paths_of_this_machine_stay_here(self):
        for path in self.elves():
            dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
            for runpath in re.findall(r"R(?:UN)?PATH.*\[(.*)\]", dynamic):
                self.assertTrue(all(part.startswith("$ORIGIN") for part in runpath.split(":")), f"{path.name}: {runpath}")

    def test_runs_against_a_torch_that_is_told(self):
        for run in (self.start("--torch", TORCH, "--version"), self.start("--version", FLUXSCOPE_TORCH=TORCH)):
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn("2.11", run.stdout)

    def test_knows_the_sample(self):
        run = self.start("--torch", TORCH, "info", "sample")
        self.assertEqual(run.returncode, 0, run.stderr)

    def refuses(self, run, *words):
        self.assertEqual(run.returncode, 4, run.stdout + run.stderr)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        for word in words:
            self.assertIn(word, run.stderr)

    def torch_of(self, version, cuda):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder.name)) / "torch"
        (folder / "lib").mkdir(parents=True)
        (folder / "lib/libtorch_cpu.so").touch()
        (folder / "lib/libtorch_cuda.so").touch()
        (folder / "version.py").write_text(f"__version__ = '{version}'\ncuda: Optional[str] = {cuda}\n")
        return folder

    def test_refuses_a_machine_without_torch(self):
        self.refuses(self.start("--torch", self.folder.name, "doctor"), "there is no torch in", "pip install torch==2.11.0")
        self.refuses(self.start("doctor", PATH="/nonexistent:/usr/bin:/bin", PYTHONHOME="/nonexistent"), "python3 knows no torch")

    def test_refuses_another_torch(self):
        self.refuses(self.start("--torch", self.torch_of("2.10.1+cu130", "'13.0'"), "doctor"), "2.10.1", "needs 2.11", "pip install")

    @property
    def is_cuda(self):
        return "flavour=cuda" in (self.bundle / "fluxscope-cli").read_text()

    def test_refuses_a_torch_of_another_cuda(self):
        if not self.is_cuda:
            self.skipTest("a cpu bundle runs with any")
        self.refuses(self.start("--torch", self.torch_of("2.11.0+cu128", "'12.8'"), "doctor"), "CUDA 12.8", "cu130")
        self.refuses(self.start("--torch", self.torch_of("2.11.0+cpu", "None"), "doctor"), "no CUDA", "cu130")

    def test_refuses_an_old_driver(self):
        if not self.is_cuda:
            self.skipTest("a cpu bundle looks at no driver")
        proc = pathlib.Path(self.folder.name) / "proc"
        (proc / "driver/nvidia").mkdir(parents=True)
        for text, driver in [
            ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Wed Jan 22 2025\n", "570.86.15"),
            ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.104.05  Release Build\nGCC version: 12\n", "535.104.05"),
        ]:
            (proc / "driver/nvidia/version").write_text(text)
            self.refuses(self.start("--torch", TORCH, "doctor", FLUXSCOPE_PROC=proc), driver, "580")
        (proc / "driver/nvidia/version").write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release\n")
        self.assertEqual(self.start("--torch", TORCH, "--version", FLUXSCOPE_PROC=proc).returncode, 0)

    def test_refuses_a_gpu_that_is_not_there(self):
        if not self.is_cuda:
            self.skipTest("a cpu bundle looks at no driver")
        self.refuses(self.start("--torch", TORCH, "forward", "--device", "cuda", FLUXSCOPE_PROC="/nonexistent"), "no NVIDIA driver")


class TooNew(unittest.TestCase):
    def test_finds_what_is_newer(self):
        section = ("Version definition section '.gnu.version_d':\n  Name: GLIBC_2.40\n"
                   "Version needs section '.gnu.version_r':\n  Name: GLIBC_2.36  Flags: none\n  Name: GLIBC_2.35\n  Name: GLIBCXX_3.4.32\n")
        self.assertEqual(too_new("a.so", section), ["a.so needs GLIBCXX_3.4.32", "a.so needs GLIBC_2.36"][::-1])

    def test_lets_the_rest_through(self):
        self.assertEqual(too_new("a.so", "Version needs section '.gnu.version_r':\n  Name: GLIBC_2.35\n  Name: GLIBCXX_3.4.30\n"), [])


if __name__ == "__main__":
    SOURCE, BUILD, TORCH = (pathlib.Path(argument) for argument in sys.argv[1:4])
    release = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release", encoding="utf8") if "=" in line)
    if release["ID"] != "debian" or release.get("VERSION_ID", "").strip('"') != "12":
        print(f"skipped: bundles are made on Debian 12, this is {release['PRETTY_NAME']}")
        sys.exit(77)
    if not shutil.which("readelf"):
        sys.exit("readelf is missing")
    unittest.main(argv=sys.argv[:1])
