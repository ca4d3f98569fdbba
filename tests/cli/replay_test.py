#!/usr/bin/env python3
"""run --replay: a recorded run once more, token by token."""
import json
import shutil

from program import Engine, main, opened


class Replays(Engine):
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


if __name__ == "__main__":
    main(Replays)
