#!/usr/bin/env python3
"""What every build has, with or without the engine: versions, help, doctor, wrong usage."""
import subprocess

from program import OPTIONS, Program, main


class EveryBuild(Program):
    def test_version_names_build_and_libraries(self):
        text = self.cli("--version").stdout.decode()
        self.assertRegex(text, r"^fluxscope-cli \S+ (cpu|cuda|viewer)\n")
        for library in ("SQLite", "Qt", "compiler"):
            self.assertIn(library, text)

    def test_every_subcommand_has_help_with_an_example(self):
        text = self.cli("--help").stdout.decode()
        names = ["doctor", "report", "export", "import", "capture"]
        if OPTIONS.tiny_model:
            names += ["info", "tokenize", "forward", "run", "overhead", "ceilings", "serve"]
        for name in names:
            self.assertIn(f"  {name} ", text)
            help_text = self.cli(name, "--help").stdout.decode()
            self.assertIn("Example:", help_text)
            self.assertIn(f"fluxscope-cli {name}", help_text)

    def test_every_work_on_captures_has_help_with_an_example(self):
        for name in ("info", "check", "pack", "slice", "merge", "sql"):
            self.assertIn(f"Example:\n  fluxscope-cli capture {name} ", self.cli("capture", name, "--help").stdout.decode())

    def test_wrong_usage_is_one_sentence_and_exit_2(self):
        for arguments in ([], ["fly"], ["doctor", "--wings"], ["report"]):
            self.assertIn("--help", self.sentence(self.cli(*arguments, code=2)))

    def test_doctor_tells_every_thing_and_a_remedy_for_what_is_missing(self):
        findings = self.json("doctor", "--json")["findings"]
        self.assertEqual([finding["name"] for finding in findings],
                         ["cpu", "memory", "engine", "sample", "gpu", "driver", "trace", "timeline", "counters", "nvml", "gl",
                          "display"])
        for finding in findings:
            self.assertTrue(finding["found"])
            self.assertEqual(finding["remedy"] == "", finding["ok"], finding)
        text = self.cli("doctor").stdout.decode()
        for finding in findings:
            self.assertIn(f"{finding['name']:<10}{'ok' if finding['ok'] else 'missing'}", text)

    def test_doctor_sees_the_display_it_is_given(self):
        with_display = self.json("doctor", "--json", environment={"DISPLAY": ":7\x1b[2J", "WAYLAND_DISPLAY": ""})
        display = next(f for f in with_display["findings"] if f["name"] == "display")
        self.assertEqual((display["ok"], display["found"]), (True, "DISPLAY=:7\\x1B[2J"))

    def test_report_refuses_what_is_no_capture(self):
        (self.folder / "x.fluxdb").write_text("not a database at all, " * 100)
        self.assertIn("x.fluxdb", self.sentence(self.cli("report", "x.fluxdb", code=3)))
        self.assertIn("gone.fluxdb", self.sentence(self.cli("report", "gone.fluxdb", code=3)))

    def test_a_full_disk_is_no_silence(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([OPTIONS.program, "doctor"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"stdout: cannot be written", done.stderr)


if __name__ == "__main__":
    main(EveryBuild)
