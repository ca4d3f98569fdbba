#!/usr/bin/env python3
"""run: how tokens are drawn, forced, probed and compared with policy full."""
import json
import math

from program import Engine, main


class Sampling(Engine):
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


if __name__ == "__main__":
    main(Sampling)
