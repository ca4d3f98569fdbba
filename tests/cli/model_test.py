#!/usr/bin/env python3
"""info, tokenize and forward; models that are damaged or made to do harm."""
import json
import shutil
import struct

from program import Engine, main


class Models(Engine):
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

    def test_loading_is_told_to_those_who_look(self):
        (self.folder / "ids.json").write_text("[1,2,3]")
        forward = ["forward", self.model, "--ids", "ids.json", "--out", "o.safetensors", "--json"]
        for command in (["run", self.model, "--prompt", "a", "--max-new", "1", "--json"], forward):
            self.assertNotIn(b"GB/s", self.cli(*command).stderr)
            done = self.cli(*command, "--verbose")
            self.assertRegex(done.stderr.decode(), r"read [0-9.]+ MiB of weights in [0-9.]+ [mµ]?s: [0-9.]+ GB/s")
            json.loads(done.stdout)

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


if __name__ == "__main__":
    main(Models)
