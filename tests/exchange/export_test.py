#!/usr/bin/env python3
"""Export through fluxscope-cli: what it writes is read with the classes of Perfetto's specification and with Python's own csv and json.

    export_test.py --program fluxscope-cli --generator generated-capture --source TREE
"""
import csv
import gzip
import json
import os
import pty
import signal
import subprocess
import sys
import time

import world
from world import World

LAUNCHES = 200  # of the first two steps: one a kernel; each later step is one graph of 100


class Perfetto(World):
    def trace(self, **keywords):
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema
        self.generate(**keywords)
        self.cli("export", "run.fluxdb", "--perfetto", "run.pftrace")
        trace = schema.Trace()
        trace.ParseFromString((self.folder / "run.pftrace").read_bytes())
        self.schema = schema
        return trace

    def read(self, trace):
        from google.protobuf.unknown_fields import UnknownFieldSet
        """Tracks by id, and events in the order of a reader: by time, of equal times as they stand in the file. Names are resolved."""
        tracks, events, names, keys, cleared = {}, [], {}, {}, False
        for packet in trace.packet:
            self.assertEqual(packet.trusted_packet_sequence_id, 1)
            for part in (packet, packet.track_event, packet.track_descriptor, packet.interned_data):
                self.assertEqual(len(UnknownFieldSet(part)), 0)
            cleared |= bool(packet.sequence_flags & self.schema.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED)
            for entry in packet.interned_data.event_names:
                self.assertNotIn(entry.iid, names)
                names[entry.iid] = entry.name
            for entry in packet.interned_data.debug_annotation_names:
                self.assertNotIn(entry.iid, keys)
                keys[entry.iid] = entry.name
            if packet.HasField("track_descriptor"):
                self.assertNotIn(packet.track_descriptor.uuid, tracks)
                tracks[packet.track_descriptor.uuid] = packet.track_descriptor
            if packet.HasField("track_event"):
                self.assertTrue(cleared and packet.sequence_flags & self.schema.TracePacket.SEQ_NEEDS_INCREMENTAL_STATE)
                event = packet.track_event
                self.assertIn(event.track_uuid, tracks, "a track is described before its events")
                name = event.name or names[event.name_iid] if event.name_iid or event.name else ""
                notes = {}
                for note in event.debug_annotations:
                    value = note.WhichOneof("value")
                    notes[note.name or keys[note.name_iid]] = getattr(note, value)
                events.append((packet.timestamp, len(events), event, name, notes))
        self.assertEqual(len(set(names.values())), len(names), "a name is interned once")
        return tracks, sorted(events, key=lambda e: e[:2])

    def slices(self, tracks, events):
        """By track name, as (begin, end, depth, name, notes, event); fails where slices do not nest."""
        stacks, found = {}, {}
        kinds = self.schema.TrackEvent
        for timestamp, _, event, name, notes in events:
            stack = stacks.setdefault(event.track_uuid, [])
            if event.type == kinds.TYPE_SLICE_BEGIN:
                stack.append((timestamp, name, notes, event))
            elif event.type == kinds.TYPE_SLICE_END:
                self.assertTrue(stack, f"an end without a beginning on {tracks[event.track_uuid].name}")
                begin, name, notes, event = stack.pop()
                found.setdefault(tracks[event.track_uuid].name, []).append((begin, timestamp, len(stack), name, notes, event))
        self.assertFalse([stack for stack in stacks.values() if stack], "a beginning without an end")
        return found

    def test_slices_nest_with_the_times_of_the_capture(self):
        trace = self.trace()
        tracks, events = self.read(trace)
        slices = self.slices(tracks, events)
        for track in slices.values():
            for begin, end, *_ in track:
                self.assertLessEqual(begin, end)
        for layer in (0, 1):
            expected = self.rows(f"SELECT begin_ns, end_ns, op FROM scope WHERE layer = {layer} ORDER BY 1, 2 DESC", "run.fluxdb")
            shown = sorted(((b, e, n if n in ("attention", "mlp") else "") for b, e, _, n, *_ in slices[f"layer {layer}"]),
                           key=lambda s: (s[0], -s[1]))
            self.assertEqual(shown, expected)
            for begin, end, depth, name, *_ in slices[f"layer {layer}"]:
                self.assertEqual(depth, 1 if name in ("attention", "mlp") else 0, (begin, end, name))
        self.assertEqual([s[3] for s in slices["phases and steps"]], ["prefill · prompt-0, prompt-1", "decode 1 · prompt-0, prompt-1",
                                                                       "decode 2 · prompt-0, prompt-1"])
        note = slices["layer 0"][0][4]
        self.assertEqual((note["bytes read (analytic)"], note["FLOPs (analytic)"]), (1000, 5000))

    def test_kernels_that_overlap_go_to_a_spill_lane(self):
        tracks, events = self.read(self.trace())
        slices = self.slices(tracks, events)
        name = "device 0, stream 7, kernels"
        lanes = [n for n in slices if n.startswith(name)]
        self.assertEqual(sorted(lanes), [name, name + " (2)"])
        kernels = [s for lane in lanes for s in slices[lane]]
        self.assertTrue(all(s[2] == 0 for s in kernels), "a kernel lies inside another one")
        self.assertEqual(sorted(s[:2] for s in kernels), self.rows("SELECT begin_ns, begin_ns + duration_ns FROM kernel ORDER BY 1, 2", "run.fluxdb"))
        kernel = kernels[0]
        self.assertIn("attention", kernel[3])
        self.assertEqual(kernel[4]["scope"], "prefill/step 0/layer 0/attention")
        self.assertEqual((kernel[4]["grid"], kernel[4]["attribution"], kernel[4]["shared memory bytes"]), ("4 x 2 x 1", "external-id", 3072))

    def test_each_launch_points_to_its_first_kernel(self):
        tracks, events = self.read(self.trace())
        begins, ends = {}, {}
        for timestamp, _, event, name, _ in events:
            for flow in event.flow_ids:
                self.assertNotIn(flow, begins)
                begins[flow] = (timestamp, name)
            for flow in event.terminating_flow_ids:
                self.assertNotIn(flow, ends, "one arrow a launch, for a graph's kernels too")
                ends[flow] = (timestamp, name)
        kernels = {flow: end for flow, end in ends.items() if flow in begins}
        self.assertEqual(len(begins), LAUNCHES + 1)
        self.assertEqual(set(begins), set(kernels))
        for flow, (timestamp, name) in begins.items():
            self.assertTrue(name.startswith("cuda"), name)
            self.assertLess(timestamp, ends[flow][0])

    def test_decisions_are_instants_with_what_decided(self):
        tracks, events = self.read(self.trace(prompt="<b>α/"))
        instants = [(tracks[e.track_uuid].name, name, notes) for _, _, e, name, notes in events
                    if e.type == self.schema.TrackEvent.TYPE_INSTANT]
        self.assertEqual(sorted((track, name) for track, name, _ in instants),
                         [("layer 0", "full · <b>α/0"), ("layer 0", "full · <b>α/1"), ("layer 1", "sparse · <b>α/0"), ("layer 1", "sparse · <b>α/1")])
        notes = next(notes for track, name, notes in instants if track == "layer 1")
        self.assertAlmostEqual(notes["p_full"], 0.26894142, 6)
        self.assertEqual((notes["threshold"], notes["margin"], notes["decided by"], notes["KV bytes kept"], notes["KV bytes freed"]),
                         (0.5, -1.0, "router", 128, 256))

    def test_samples_are_counters_in_their_units(self):
        tracks, events = self.read(self.trace())
        counters = {}
        for _, _, e, _, _ in events:
            if e.type == self.schema.TrackEvent.TYPE_COUNTER:
                counters.setdefault((tracks[e.track_uuid].name, tracks[e.track_uuid].counter.unit_name), set()).add(e.double_counter_value)
        self.assertEqual(counters, {("dram_read (hw_pm, device 0)", "B/s"): {1e9}, ("power (nvml, device 0)", "W"): {400.5}})

    def test_the_clock_is_told_in_utc(self):
        trace = self.trace()
        clocks = {c.clock_id: c.timestamp for p in trace.packet if p.HasField("clock_snapshot") for c in p.clock_snapshot.clocks}
        self.assertEqual(clocks, {6: 1_000_000, 3: 1_000_000, 1: 1_700_000_000_000_000_000})

    def test_tracks_lie_under_their_run(self):
        tracks, _ = self.read(self.trace())
        runs = [t for t in tracks.values() if t.HasField("process")]
        self.assertEqual([t.process.process_name for t in runs], ["run 1: routed:0.5, tiny, timed"])
        self.assertEqual({t.parent_uuid for t in tracks.values() if not t.HasField("process")}, {runs[0].uuid})


class Chrome(World):
    def events(self, name="run.json"):
        self.generate()
        self.cli("export", "run.fluxdb", "--chrome", name)
        data = (self.folder / name).read_bytes()
        return json.loads(gzip.decompress(data) if name.endswith(".gz") else data)

    def test_has_the_keys_of_pytorchs_profiler(self):
        trace = self.events()
        self.assertEqual(sorted(trace), ["baseTimeNanoseconds", "deviceProperties", "displayTimeUnit", "schemaVersion", "traceEvents"])
        kernels = [e for e in trace["traceEvents"] if e.get("cat") == "kernel"]
        self.assertEqual(len(kernels), 300)
        first = min(kernels, key=lambda e: e["ts"])
        self.assertEqual((first["ph"], first["pid"], first["tid"], first["dur"]), ("X", 0, 7, 1.0))
        for key in ("correlation", "stream", "device", "grid", "block"):
            self.assertIn(key, first["args"])
        begin = self.rows("SELECT min(begin_ns) FROM kernel", "run.fluxdb")[0][0]
        self.assertEqual(round(first["ts"] * 1000), begin)
        self.assertEqual(trace["baseTimeNanoseconds"], 1_700_000_000_000_000_000 - 1_000_000)
        flows = [e for e in trace["traceEvents"] if e.get("cat") == "ac2g"]
        starts = {e["id"] for e in flows if e["ph"] == "s"}
        self.assertEqual(starts, {e["id"] for e in flows if e["ph"] == "f"} & starts)
        self.assertEqual(len(starts), LAUNCHES + 1)
        self.assertIn("decode/step 2/layer 1/mlp", {e["name"] for e in trace["traceEvents"] if e.get("cat") == "user_annotation"})
        self.assertEqual(len([e for e in trace["traceEvents"] if e.get("cat") == "decision"]), 4)

    def test_times_keep_three_decimals(self):
        self.generate()
        self.cli("export", "run.fluxdb", "--chrome", "run.json")
        for line in (self.folder / "run.json").read_text().splitlines():
            if '"ts": ' in line:
                self.assertRegex(line, r'"ts": \d+\.\d{3}[,}]')

    def test_comes_back_as_the_same_kernels_in_the_same_places(self):
        self.events("run.json.gz")
        self.cli("import", "run.json.gz", "--out", "out.fluxdb")
        query = ("SELECT begin_ns, duration_ns, stream, correlation, graph_node, phase, step, layer, op, grid_x FROM "
                 "kernel JOIN place USING (place) JOIN launch USING (launch) ORDER BY 1, 2, 4")
        there, back = self.rows(query, "run.fluxdb"), self.rows(query)
        self.assertEqual([r[:5] for r in there], [r[:5] for r in back])
        # A graph's kernels lie in the range of its launch: the step; those launched alone in their operation.
        alone = [(a, b) for a, b in zip(there, back) if a[4] == 0]
        self.assertEqual(len(alone), LAUNCHES)
        self.assertTrue(all(b[5:7] == a[5:7] for a, b in zip(there, back)), "phase and step of every kernel")
        self.assertGreater(sum(a[5:9] == b[5:9] for a, b in alone), LAUNCHES * 0.95)
        self.assertEqual(self.rows("SELECT DISTINCT value FROM kernel JOIN name AS n ON n.name = attribution"), [("time",)])
        self.assertEqual(self.rows("SELECT bytes, pinned FROM memcpy"), [(8, 1)])


class Tables(World):
    def table(self, name):
        with open(self.folder / "tables" / f"{name}.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_csv_has_units_and_cannot_run_formulas(self):
        self.generate(prompt="@SUM(A1),\"x\"\n")
        self.cli("export", "run.fluxdb", "--csv", "tables")
        with open(self.folder / "tables/decisions.csv", newline="", encoding="utf-8") as file:
            text = file.read()
            rows = list(csv.DictReader(text.splitlines(keepends=True)))
        self.assertTrue(text.endswith("\r\n"))
        self.assertEqual(len(rows), 4)
        self.assertEqual(rows[0]["prompt"], "'@SUM(A1),\"x\"\n0")
        self.assertEqual((rows[2]["attention"], rows[2]["margin_logits"], rows[2]["threshold"]), ("sparse", "-1", "0.5"))
        tokens = self.table("tokens")
        generated = [t["text"] for t in tokens if t["step"] != "-1"]
        self.assertEqual(generated[:3], ["'=1+1", "'=1+1", "a, \"b\"\n"])
        self.assertEqual(tokens[-1]["logprob_nats"], "-0.5", "numbers stay numbers")
        kernels = self.table("kernels")
        self.assertEqual(len(kernels), 300)
        self.assertEqual((kernels[0]["phase"], kernels[0]["op"], kernels[0]["duration_ns"], kernels[0]["attribution"]),
                         ("prefill", "attention", "1000", "external-id"))

    def test_json_has_the_same_tables(self):
        self.generate()
        self.cli("export", "run.fluxdb", "--json", "run.json", "--csv", "tables")
        tables = json.loads((self.folder / "run.json").read_text())["tables"]
        self.assertEqual(set(tables), {p.stem for p in (self.folder / "tables").iterdir()})
        for name in ("runs", "decisions", "kv", "tokens", "layer_steps", "scopes", "kernels", "copies", "fills", "api_calls", "syncs",
                     "overheads", "samples"):
            self.assertTrue(tables[name], name)
        self.assertEqual(tables["kernels"][0]["duration_ns"], 1000)
        self.assertEqual(tables["samples"][0]["metric"], "dram_read_bytes")

    def test_wrong_usage_and_wrong_files_are_a_sentence(self):
        self.generate()
        self.assertIn("--perfetto", self.cli("export", "run.fluxdb", code=2))
        (self.folder / "no.fluxdb").write_text("no database " * 100)
        self.assertIn("no.fluxdb", self.cli("export", "no.fluxdb", "--json", "x.json", code=3))
        self.assertIn("no/x.json", self.cli("export", "run.fluxdb", "--json", "no/x.json", code=4))
        self.assertEqual(sorted(os.listdir(self.folder)), ["no.fluxdb", "run.fluxdb"])


class Large(World):
    """A million kernels: bounded memory, and a cancel that leaves nothing behind."""
    KERNELS = 1_000_000

    def setUp(self):
        super().setUp()
        self.generate(self.KERNELS)

    def measured(self, *arguments):
        begin = time.monotonic()
        process = subprocess.Popen([world.OPTIONS.program, *arguments], cwd=self.folder, stderr=subprocess.PIPE)
        with process.stderr:
            text = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, text)
        megabytes = usage.ru_maxrss / 1024 - world.idle_megabytes()
        print(f"{' '.join(arguments[:3])}: {time.monotonic() - begin:.1f} s, {usage.ru_utime + usage.ru_stime:.1f} s of CPU, {megabytes:.0f} MB",
              file=sys.stderr)
        self.assertLess(megabytes, 300)
        return usage.ru_utime + usage.ru_stime

    def test_exports_in_bounded_memory(self):
        for form, file in (("--perfetto", "run.pftrace"), ("--chrome", "run.json.gz"), ("--csv", "tables"), ("--json", "run.json")):
            self.assertLess(self.measured("export", "run.fluxdb", form, file), 120)

    def test_cancel_leaves_no_half_file(self):
        before = sorted(os.listdir(self.folder))
        leader, follower = pty.openpty()
        process = subprocess.Popen([world.OPTIONS.program, "export", "run.fluxdb", "--perfetto", "run.pftrace"], cwd=self.folder, stderr=follower)
        os.close(follower)
        seen = b""
        while b"writing" not in seen:  # progress, because a terminal is watching
            seen += os.read(leader, 4096)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        self.assertEqual(process.wait(30), 5)
        self.assertLess(time.monotonic() - begin, 10)
        os.close(leader)
        self.assertEqual(sorted(os.listdir(self.folder)), before)


if __name__ == "__main__":
    world.main()
