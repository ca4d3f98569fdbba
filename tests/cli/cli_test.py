#!/usr/bin/env python3
"""fluxscope-cli as a user meets it: what it prints where, and how it exits.

    cli_test.py --program fluxscope-cli [--tiny-model tiny-model]

Without --tiny-model (a build without the engine) only what such a build has is tested.
"""
import argparse
import contextlib
import json
import math
import os
import pathlib
import pty
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest

OPTIONS = None


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


class EveryBuild(Program):
    def test_version_names_build_and_libraries(self):
        text = self.cli("--version").stdout.decode()
        self.assertRegex(text, r"^fluxscope-cli \S+ (cpu|cuda|viewer)\n")
        for library in ("SQLite", "Qt", "compiler"):
            self.assertIn(library, text)

    def test_every_subcommand_has_help_with_an_example(self):
        text = self.cli("--help").stdout.decode()
        names = ["doctor", "report", "export", "import"]
        if OPTIONS.tiny_model:
            names += ["info", "tokenize", "forward", "run", "overhead", "ceilings", "serve"]
        for name in names:
            self.assertIn(f"  {name} ", text)
            help_text = self.cli(name, "--help").stdout.decode()
            self.assertIn("Example:", help_text)
            self.assertIn(f"fluxscope-cli {name}", help_text)

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


class Engine(Program):
    def test_info(self):
        facts = self.json("info", self.model, "--json")
        self.assertEqual(facts["layers"], 8)
        self.assertTrue(facts["untrained"])
        self.assertEqual(facts["kv_bytes_per_token"]["fp32"], 2 * 8 * facts["kv_heads"] * facts["head_dim"] * 4)
        text = self.cli("info", self.model).stdout.decode()
        self.assertIn("random and untrained", text)
        self.assertIn(facts["hash"], text)

    def test_info_says_how_a_model_is_stored_stretched_and_meant_to_be_sampled(self):
        facts = self.json("info", self.model, "--json")
        self.assertEqual(facts["context"], 4096)
        self.assertEqual(facts["rope"]["rope_type"], "default")
        self.assertIsNone(facts["sliding_window"])
        files = list(self.model.glob("*.safetensors"))
        self.assertEqual((facts["weights"]["files"], facts["weights"]["bytes"]),
                         (len(files), sum(file.stat().st_size for file in files)))
        self.assertEqual(facts["weights"]["tensor_bytes"], {"F32": 4 * (facts["parameters"] + facts["router_parameters"])})
        self.assertEqual((facts["chat_template"], facts["recommended_sampling"]["temperature"]), (False, 0))
        other = self.broken_copy()
        (other / "generation_config.json").unlink()
        self.assertIsNone(self.json("info", other, "--json")["recommended_sampling"])
        config = json.loads((other / "config.json").read_text())
        for field in ("rope_parameters", "rope_theta"):
            config.pop(field, None)
        config["rope_theta"] = 500000.0
        config["rope_scaling"] = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                  "original_max_position_embeddings": 512}
        config.update(use_sliding_window=True, sliding_window=64, max_window_layers=6)
        config.pop("layer_types", None)
        (other / "config.json").write_text(json.dumps(config))
        (other / "router.safetensors").unlink()  # it was made for another config.json
        (other / "generation_config.json").write_text('{"do_sample":true,"temperature":0.6,"top_k":20,"eos_token_id":[5,7]}')
        (other / "chat_template.jinja").write_text("{{ messages }}")
        facts = self.json("info", other, "--json")
        self.assertEqual(facts["rope"], {"rope_type": "llama3", "rope_theta": 500000, "factor": 8, "low_freq_factor": 1,
                                         "high_freq_factor": 4, "original_max_position_embeddings": 512})
        self.assertEqual(facts["sliding_window"], {"tokens": 64, "layers": [6, 7]})
        self.assertEqual((facts["eos_token_ids"], facts["chat_template"]), ([5, 7], True))
        self.assertEqual(facts["recommended_sampling"], {"temperature": 0.6, "top_k": 20, "top_p": 1.0, "min_p": 0.0,
                                                         "repetition_penalty": 1.0, "stop": []})
        text = self.cli("info", other).stdout.decode()
        for words in ("llama3, factor 8, ", "64 tokens in 2 of 8 layers: 6 7", "stored as F32", "4,096 tokens", "5, 7",
                      "temperature 0.6, top-k 20", "yes: texts are what a user says"):
            self.assertIn(words, text)

    def test_sample_is_found_through_the_environment(self):
        facts = self.json("info", "sample", "--json", environment={"FLUXSCOPE_SAMPLE_MODEL": str(self.model)})
        self.assertEqual(facts["path"], str(self.model))

    def test_tokenize_goes_there_and_back_byte_for_byte(self):
        for text in (b"Where is the key?\n", "é世🙂".encode(), b"\xff\x00 bytes \xc3", b""):
            encoded = json.loads(self.cli("tokenize", self.model, stdin=text).stdout)
            spans = encoded["offsets"]
            self.assertEqual(len(spans), len(encoded["ids"]))
            self.assertEqual(b"".join(text[begin:end] for begin, end in spans), text)
            back = self.cli("tokenize", self.model, "--decode", stdin=json.dumps(encoded).encode())
            self.assertEqual(back.stdout, text)
            if encoded["ids"]:
                bare = self.cli("tokenize", self.model, "--decode", stdin=json.dumps(encoded["ids"]).encode())
                self.assertEqual(bare.stdout, text)

    def test_tokenize_decode_refuses_what_are_no_ids(self):
        for text in (b"garbage", b"{}", b'[1,"a"]', b"[-1]", b"[1.5]", b"[99999999999]"):
            self.assertIn("stdin", self.sentence(self.cli("tokenize", self.model, "--decode", stdin=text, code=3)))

    def test_forward_writes_tensors_that_others_read(self):
        from safetensors.numpy import load_file
        ids = self.json("tokenize", self.model, stdin=b"The key is 7313. Where is it?")["ids"]
        (self.folder / "ids.json").write_text(json.dumps(ids))
        vocabulary = self.json("info", self.model, "--json")["vocabulary"]
        said = self.json("forward", self.model, "--ids", "ids.json", "--out", "all.safetensors", "--json")
        tensors = load_file(self.folder / "all.safetensors")
        self.assertEqual(tensors["logits"].shape, (len(ids), vocabulary))
        self.assertEqual(tensors["router_logits"].shape, (8, 2))
        self.assertEqual(tensors["decisions"].tolist(), said["decisions"])
        wanted = (tensors["router_logits"][:, 1] > tensors["router_logits"][:, 0]).astype(int)
        self.assertEqual(tensors["decisions"].tolist(), wanted.tolist())

        self.cli("forward", self.model, "--ids", "ids.json", "--out", "last.safetensors", "--positions", "last", "--chunk", "4")
        last = load_file(self.folder / "last.safetensors")["logits"]
        self.assertEqual(last.shape, (1, vocabulary))
        self.assertLess(abs(last[0] - tensors["logits"][-1]).max(), 1e-4)
        self.cli("forward", self.model, "--ids", "ids.json", "--out", "mask.safetensors", "--policy", "mask:10100000",
                 "--sparse", "streaming:sink=1,window=2,granularity=token", "--positions", "1:3")
        mask = load_file(self.folder / "mask.safetensors")
        self.assertEqual(mask["decisions"].tolist(), [1, 0, 1, 0, 0, 0, 0, 0])
        self.assertEqual(mask["logits"].shape, (2, vocabulary))
        self.assertGreater(abs(mask["logits"][0] - tensors["logits"][1]).max(), 0) if len(ids) > 3 else None

    def test_forward_under_a_policy_of_heads_says_what_each_head_did(self):
        from safetensors.numpy import load_file
        (self.folder / "ids.json").write_text("[5,6,7,8]")
        rows = [[1, 0], [0.9, 0.8], [0.1, 0.2], [0.3, 0.7], [0, 0], [0, 1], [1, 1], [0.4, 0.6]]
        (self.folder / "h.tsv").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
        said = self.cli("forward", self.model, "--ids", "ids.json", "--out", "o.safetensors", "--policy", "heads:h.tsv@0.5")
        self.assertIn(b"layers ~Fs~s~F~", said.stdout)
        tensors = load_file(self.folder / "o.safetensors")
        self.assertEqual(tensors["head_decisions"].tolist(),
                         [[1, 0], [1, 1], [0, 0], [0, 1], [0, 0], [0, 1], [1, 1], [0, 1]])
        self.assertEqual(tensors["decisions"].tolist(), [0, 1, 0, 0, 0, 0, 1, 0])
        self.assertEqual(tensors["router_logits"].shape, (8, 2))
        (self.folder / "h.tsv").write_text("1\t0\n")
        self.assertIn("is for 1 layer", self.sentence(
            self.cli("forward", self.model, "--ids", "ids.json", "--out", "o.safetensors", "--policy", "heads:h.tsv", code=2)))
        self.cli("forward", self.model, "--ids", "ids.json", "--out", "plain.safetensors", "--policy", "first:3")
        self.assertNotIn("head_decisions", load_file(self.folder / "plain.safetensors"))

    def test_forward_refusals(self):
        (self.folder / "ids.json").write_text("[1,2,3]")
        common = ["forward", self.model, "--ids", "ids.json", "--out", "o.safetensors"]
        self.sentence(self.cli(*common, "--positions", "2:9", code=2))
        self.sentence(self.cli(*common, "--positions", "x", code=2))
        self.sentence(self.cli(*common, "--policy", "sometimes", code=2))
        self.sentence(self.cli(*common, "--policy", "mask:1", code=2))
        self.sentence(self.cli(*common, "--sparse", "streaming:sink=-3", code=2))
        self.sentence(self.cli(*common, "--dtype", "int3", code=2))
        (self.folder / "ids.json").write_text("[1,2,1000000000]")
        self.assertIn("ids[2] is 1000000000", self.sentence(self.cli(*common, code=2)))
        (self.folder / "ids.json").write_text("[]")
        self.sentence(self.cli(*common, code=3))
        self.assertFalse((self.folder / "o.safetensors").exists())
        (self.folder / "ids.json").write_text("[1]")
        self.sentence(self.cli("forward", self.model, "--ids", "ids.json", "--out", "no/such/folder/o.safetensors", code=4))

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

    def two_prompts(self):
        (self.folder / "set.jsonl").write_text('{"id":"a","kind":"needle","text":"The key is 7313."}\n'
                                               '{"id":"b","kind":"prose","text":"Once upon a time"}\n')
        return ["run", self.model, "--prompts", "set.jsonl", "--json", "--sparse", "streaming:sink=2,window=8,granularity=token"]

    def test_run_in_a_batch_says_what_each_prompt_says_alone(self):
        common = [*self.two_prompts(), "--max-new", "6"]
        alone, together = self.json(*common), self.json(*common, "--batch", "2")
        for key in ("id", "prompt_ids", "ids", "text", "decisions", "kv_bytes", "end"):
            self.assertEqual([s[key] for s in together], [s[key] for s in alone], key)

    def test_run_replays_a_capture_under_its_own_decisions(self):
        common = self.two_prompts()
        first = self.json(*common, "--max-new", "6", "--policy", "routed:0.4", "--capture", "r.fluxdb")
        self.cli(*common, "--max-new", "3", "--policy", "full", "--capture", "r.fluxdb")
        again = self.json("run", self.model, "--replay", "r.fluxdb", "--replay-run", "1", "--json", "--capture", "again.fluxdb")
        for key in ("id", "prompt_ids", "ids", "text", "decisions", "kv_bytes", "logprobs"):
            self.assertEqual([s[key] for s in again], [s[key] for s in first], key)
        self.assertEqual([s["end"] for s in again], ["forced", "forced"])
        with opened(self.folder / "again.fluxdb") as capture:
            self.assertEqual(capture.execute("SELECT DISTINCT decided_by FROM decision").fetchall(), [("replay",)])
            self.assertEqual(capture.execute("SELECT policy_name FROM run").fetchall(), [("routed:0.4",)])
        last = self.json("run", self.model, "--replay", "r.fluxdb", "--json")
        self.assertEqual([s["decisions"] for s in last], [[1] * 8] * 2, "without a number, the last run")
        self.assertIn("run 7", self.sentence(self.cli("run", self.model, "--replay", "r.fluxdb", "--replay-run", "7", code=3)))
        other = self.broken_copy()
        config = json.loads((other / "config.json").read_text())
        config["rms_norm_eps"] = 1e-5
        (other / "config.json").write_text(json.dumps(config))
        self.assertIn("another model", self.sentence(self.cli("run", other, "--replay", "r.fluxdb", code=3)))

    def test_run_replays_a_conversation_turn_by_turn(self):
        for mode in ("keep", "redo"):
            capture = f"{mode}.fluxdb"
            first = self.json(*self.two_prompts(), "--max-new", "5", "--follow-up", "And then?", "--follow-up", "Why?", "--turns",
                              mode, "--capture", capture)
            again = self.json("run", self.model, "--replay", capture, "--json", "--capture", "again-" + capture)
            for now, then in zip(again, first):
                self.assertEqual(len(now["turns"]), 2)
                for a, b in zip([now, *now["turns"]], [then, *then["turns"]]):
                    for key in ("prompt_ids", "ids", "text", "logprobs", "decisions", "p_full", "kv_bytes", "kept_cache"):
                        self.assertEqual(a.get(key), b.get(key), key)
            self.assertEqual([turn["kept_cache"] for turn in first[0]["turns"]], [mode == "keep"] * 2)
            with opened(self.folder / capture) as one, opened(self.folder / f"again-{capture}") as other:
                for query in ("SELECT sequence, turn, position, step, token, text FROM token ORDER BY 1, 2, 3",
                              "SELECT sequence, turn, step, layer, bytes_kept, bytes_freed FROM kv ORDER BY 1, 2, 3, 4",
                              "SELECT sequence, turn, step, layer, attention FROM decision ORDER BY 1, 2, 3, 4"):
                    self.assertEqual(one.execute(query).fetchall(), other.execute(query).fetchall(), query)

    def test_run_replays_what_a_probe_turned_sparse(self):
        common = [*self.two_prompts(), "--max-new", "40"]
        # Thresholds just below what the routers say of the first prompt: the text that follows is not above all of them.
        chances = self.json(*common, "--policy", "routed")[0]["p_full"]
        policy = {"kind": "routed", "threshold": 0.5, "layers": {str(n): p * (1 - 1e-6) for n, p in enumerate(chances)}}
        (self.folder / "p.json").write_text(json.dumps(policy))
        first = self.json(*common, "--policy", "p.json", "--probe", "3:act", "--capture", "r.fluxdb")
        with opened(self.folder / "r.fluxdb") as capture:
            turned = capture.execute("SELECT count(*) FROM kv WHERE step > 0").fetchone()[0]
        self.assertGreater(turned, 0, "no layer changed its mind")
        again = self.json("run", self.model, "--replay", "r.fluxdb", "--json", "--capture", "again.fluxdb")
        for now, then in zip(again, first):
            for key in ("ids", "text", "logprobs", "decisions", "p_full", "kv_bytes", "probes"):
                self.assertEqual(now[key], then[key], key)
        with opened(self.folder / "r.fluxdb") as one, opened(self.folder / "again.fluxdb") as other:
            for query in ("SELECT sequence, step, layer, bytes_kept, bytes_freed FROM kv ORDER BY 1, 2, 3",
                          "SELECT sequence, step, layer, attention, p_full FROM decision ORDER BY 1, 2, 3"):
                self.assertEqual(one.execute(query).fetchall(), other.execute(query).fetchall(), query)
            self.assertEqual(other.execute("SELECT DISTINCT decided_by FROM decision").fetchall(), [("replay",)])

    def test_run_says_what_a_capture_lacks_for_a_replay(self):
        self.cli(*self.two_prompts(), "--max-new", "4", "--follow-up", "And?", "--probe", "2", "--turns", "redo", "--capture", "r.fluxdb")
        for statement, words in (("DELETE FROM token WHERE step = -1 AND turn = 1", "does not hold its follow-ups' tokens"),
                                 ("DELETE FROM token WHERE step = -1 AND turn = 0", "does not hold its prompts' tokens"),
                                 ("DELETE FROM token WHERE step >= 0 AND turn = 1 AND sequence = 1", "was cut off before"),
                                 ("DELETE FROM decision WHERE layer = 7 AND step = 0", "was cut off before"),
                                 ("DELETE FROM decision WHERE layer = 7 AND step > 0", "in the midst of a probe"),
                                 ("DELETE FROM kv", "was cut off before"),
                                 ("UPDATE token SET position = position + 1000 WHERE step = -1 AND turn = 1", "does not go on where")):
            with self.subTest(statement):
                shutil.copy(self.folder / "r.fluxdb", self.folder / "broken.fluxdb")
                with opened(self.folder / "broken.fluxdb") as capture:
                    capture.execute(statement)
                    capture.commit()
                self.assertIn(words, self.sentence(self.cli("run", self.model, "--replay", "broken.fluxdb", code=3)))

    def test_run_samples_as_the_makers_of_the_model_recommend(self):
        other = self.broken_copy()
        (other / "generation_config.json").unlink()
        self.assertIn("generation_config.json", self.sentence(
            self.cli("run", other, "--prompt", "a", "--sampling", "model", code=3)))
        (other / "generation_config.json").write_text('{"do_sample": true, "temperature": 9.0, "top_k": 0}')
        common = ["run", other, "--prompt", "Once upon a time", "--max-new", "12", "--json", "--seed", "3"]
        drawn = self.json(*common, "--sampling", "model")[0]["ids"]
        self.assertEqual(drawn, self.json(*common, "--temperature", "9")[0]["ids"])
        greedy = self.json(*common)[0]["ids"]
        self.assertNotEqual(drawn, greedy, "greedy stays what nobody asked for")
        self.assertEqual(self.json(*common, "--sampling", "model", "--temperature", "0")[0]["ids"], greedy)
        self.assertEqual(self.json(*common, "--sampling", "model", "--top-k", "1")[0]["ids"], greedy)
        (other / "generation_config.json").write_text('{"do_sample": true, "temperature": -9.0}')
        self.assertIn("temperature", self.sentence(self.cli(*common, "--sampling", "model", code=3)))

    def test_run_measures_fidelity_over_the_prompt(self):
        from safetensors.numpy import load_file
        import numpy
        (self.folder / "long.jsonl").write_text(json.dumps({"id": "a", "text": "The key is 7313. " * 8}) + "\n")
        asked = ["run", self.model, "--prompts", "long.jsonl", "--sparse", "streaming:sink=2,window=8,granularity=token", "--max-new", "2",
                 "--policy", "sparse", "--fidelity"]
        said = self.json(*asked, "--json")[0]
        (self.folder / "ids.json").write_text(json.dumps(said["prompt_ids"]))
        logs = {}
        for policy in ("full", "sparse"):
            self.cli("forward", self.model, "--ids", "ids.json", "--out", "o.safetensors", "--policy", policy, "--sparse",
                     "streaming:sink=2,window=8,granularity=token")
            rows = load_file(self.folder / "o.safetensors")["logits"].astype(numpy.float64)[:-1]
            rows -= rows.max(axis=1, keepdims=True)
            logs[policy] = rows - numpy.log(numpy.exp(rows).sum(axis=1, keepdims=True))
        p, q = logs["full"], logs["sparse"]
        following = numpy.array(said["prompt_ids"][1:])
        places = numpy.arange(len(following))
        prompt = said["fidelity"]["prompt"]
        self.assertEqual(prompt["positions"], len(following))
        self.assertAlmostEqual(prompt["mean_kl"], (numpy.exp(p) * (p - q)).sum(axis=1).mean(), places=6)
        self.assertAlmostEqual(prompt["top1_agreement"], (p.argmax(axis=1) == q.argmax(axis=1)).mean(), places=9)
        self.assertAlmostEqual(prompt["mean_logprob_change"], (q - p)[places, following].mean(), places=5)
        self.assertGreater(prompt["mean_kl"], 1e-6)
        text = self.cli(*asked).stdout.decode()
        self.assertIn(f"prompt against full: mean KL {prompt['mean_kl']:.3g}", text)
        self.assertIn("answer against full: mean KL", text)

    def test_loading_is_told_to_those_who_look(self):
        (self.folder / "ids.json").write_text("[1,2,3]")
        forward = ["forward", self.model, "--ids", "ids.json", "--out", "o.safetensors", "--json"]
        for command in (["run", self.model, "--prompt", "a", "--max-new", "1", "--json"], forward):
            self.assertNotIn(b"GB/s", self.cli(*command).stderr)
            done = self.cli(*command, "--verbose")
            self.assertRegex(done.stderr.decode(), r"read [0-9.]+ MiB of weights in [0-9.]+ [mµ]?s: [0-9.]+ GB/s")
            json.loads(done.stdout)

    def test_run_forces_ids_and_measures_fidelity(self):
        common = self.two_prompts()
        full = self.cli(*common, "--max-new", "5", "--policy", "full").stdout
        (self.folder / "full.json").write_bytes(full)
        ids = [s["ids"] for s in json.loads(full)]
        same = self.json(*common, "--policy", "full", "--force-ids", "full.json", "--fidelity")
        sparse = self.json(*common, "--policy", "sparse", "--force-ids", "full.json", "--fidelity")
        self.assertEqual([s["ids"] for s in same], ids)
        self.assertEqual([s["ids"] for s in sparse], ids)
        for s in same:
            self.assertLess(s["fidelity"]["mean_kl"], 1e-6)
            self.assertEqual(s["fidelity"]["top1_agreement"], 1)
        for s, reference in zip(sparse, json.loads(full)):
            fidelity = s["fidelity"]
            self.assertGreater(fidelity["mean_kl"], 1e-6)
            self.assertEqual(len(fidelity["kl"]), len(s["ids"]))
            self.assertAlmostEqual(fidelity["mean_kl"], sum(fidelity["kl"]) / len(fidelity["kl"]))
            for change, now, then in zip(fidelity["logprob_change"], s["logprobs"], reference["logprobs"]):
                self.assertAlmostEqual(change, now - then, places=3)
        (self.folder / "one.json").write_text(json.dumps({"ids": [7, 8, 9]}))
        one = self.json("run", self.model, "--prompt", "x", "--json", "--force-ids", "one.json")
        self.assertEqual((one[0]["ids"], one[0]["end"]), ([7, 8, 9], "forced"))

    def test_run_probes_routers(self):
        common = [*self.two_prompts(), "--max-new", "9", "--policy", "routed:0.5"]
        looked = self.json(*common, "--probe", "4")
        for sequence in looked:
            self.assertEqual([probe["step"] for probe in sequence["probes"]], [4, 8])
            for probe in sequence["probes"]:
                self.assertEqual(probe["decisions"], sequence["decisions"], "it only looks")
                self.assertEqual(len(probe["p_full"]), 8)
        plain = self.json(*common)
        self.assertNotIn("probes", plain[0])
        self.assertEqual([s["ids"] for s in looked], [s["ids"] for s in plain])
        for sequence in self.json(*common, "--probe", "4:act"):
            was = [1] * 8
            for probe in sequence["probes"]:
                for before, after, chance in zip(was, probe["decisions"], probe["p_full"]):
                    self.assertLessEqual(after, before, "never back to full")
                    self.assertTrue(after == 0 or chance > 0.5)
                was = probe["decisions"]
        self.assertIn(b"probe at step 4: layers ", self.cli(*[a for a in common if a != "--json"], "--probe", "4").stdout)

    def test_run_goes_on_with_follow_ups(self):
        common = [*self.two_prompts(), "--max-new", "3", "--follow-up", "And then?", "--follow-up", "Why?"]
        for mode in ("keep", "redo"):
            for sequence in self.json(*common, "--turns", mode):
                self.assertEqual([turn["kept_cache"] for turn in sequence["turns"]], [mode == "keep"] * 2)
                self.assertGreater(sequence["turns"][1]["kv_bytes"], 0)

    def test_run_says_what_else_was_probable_when_asked(self):
        plain = self.json(*self.two_prompts(), "--max-new", "4")
        self.assertNotIn("top", plain[0])
        for sequence in self.json(*self.two_prompts(), "--max-new", "4", "--top"):
            self.assertEqual(len(sequence["top"]), len(sequence["ids"]))
            for step, chosen in zip(sequence["top"], sequence["ids"]):
                self.assertEqual(step["ids"][0], chosen, "greedy")
                self.assertEqual(len(step["ids"]), 32)
                self.assertEqual(step["logprobs"], sorted(step["logprobs"], reverse=True))
                self.assertAlmostEqual(sum(map(math.exp, step["logprobs"])) + step["tail_mass"], 1, places=4)

    def test_run_draws_by_seed_and_ends_before_a_stop(self):
        common = [*self.two_prompts(), "--max-new", "40", "--temperature", "20"]
        drawn = [[s["ids"] for s in self.json(*common, "--seed", seed)] for seed in ("1", "1", "2")]
        self.assertEqual(drawn[0], drawn[1])
        self.assertNotEqual(drawn[0], drawn[2])
        self.assertNotEqual(drawn[0], [s["ids"] for s in self.json(*self.two_prompts(), "--max-new", "40")])
        said = self.json(*common, "--seed", "1")[0]
        stop = next(c for c in said["text"] if said["text"].index(c) > 0 and c not in "\0\ufffd")
        stopped = self.json(*common, "--seed", "1", "--stop", stop)[0]
        self.assertEqual((stopped["text"], stopped["end"]), (said["text"][:said["text"].index(stop)], "stop-string"))
        self.assertIn("--temperature", self.sentence(self.cli("run", self.model, "--prompt", "a", "--temperature", "-1", code=2)))

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

    def test_hostile_models_are_one_sentence_each(self):
        def refused(name, damage):
            with self.subTest(name):
                copy = self.broken_copy()
                damage(copy)
                for command in (["run", copy, "--prompt", "a", "--max-new", "1"], ["tokenize", copy]):
                    if command[0] == "tokenize" and name != "tokenizer":
                        continue
                    self.assertLess(len(self.sentence(self.cli(*command, code=3))), 500)
                shutil.rmtree(copy)

        def config(change):
            def damage(copy):
                content = json.loads((copy / "config.json").read_text())
                change(content)
                (copy / "config.json").write_text(json.dumps(content))
            return damage

        refused("heads of zero", config(lambda c: c.update(num_attention_heads=0)))
        refused("huge", config(lambda c: c.update(num_hidden_layers=2**31 - 1)))
        refused("negative", config(lambda c: c.update(hidden_size=-128)))
        refused("text for a number", config(lambda c: c.update(vocab_size="many")))
        refused("unknown architecture", config(lambda c: c.update(architectures=["\x1b[2JEvil"])))
        refused("no JSON", lambda copy: (copy / "config.json").write_bytes(b"\xff\xfe{"))
        refused("deep", lambda copy: (copy / "config.json").write_text("[" * 100000))
        refused("gone", lambda copy: (copy / "config.json").unlink())

        def truncated(copy):
            weights = next(copy.glob("model*.safetensors"))
            weights.write_bytes(weights.read_bytes()[:-1000])

        def header(value):
            def damage(copy):
                weights = next(copy.glob("model*.safetensors"))
                weights.write_bytes(struct.pack("<Q", value) + weights.read_bytes()[8:])
            return damage

        refused("truncated weights", truncated)
        refused("a header as long as the world", header(2**63))
        refused("a header of nothing", header(0))

        def cycle(copy):
            content = json.loads((copy / "tokenizer.json").read_text())
            vocabulary = content["model"]["vocab"]
            single = [token for token in vocabulary if len(token) == 1][:2]
            content["model"]["merges"].append([single[0] + single[1], ""])
            (copy / "tokenizer.json").write_text(json.dumps(content))

        refused("tokenizer", cycle)


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--tiny-model")
    OPTIONS, rest = parser.parse_known_args()
    suites = [EveryBuild] + ([Engine] if OPTIONS.tiny_model else [])
    loader = unittest.TestLoader()
    names = [name for name in rest if not name.startswith("-")]
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in suites)
    if names:
        suite = unittest.TestSuite(test for group in suite for test in group if any(name in test.id() for name in names))
    sys.exit(0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1)
