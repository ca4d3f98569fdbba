#!/usr/bin/env python3
"""Import through fluxscope-cli, of files written here as other tools write them, and as nobody should.

    import_test.py --program fluxscope-cli --generator generated-capture --source TREE
"""
import gzip
import json
import os
import pty
import sqlite3
import subprocess
import sys
import time

import world
from world import World

PROCESS = 77 << 24
THREAD = PROCESS + 5
PLACES = "SELECT phase, step, layer, op, a.value, begin_ns, duration_ns FROM kernel AS k JOIN place USING (place) JOIN name AS a ON a.name = attribution ORDER BY begin_ns"


class Nsys(World):
    """Tables as nsys exports them. Each variant has the same 2 layers of 1 prefill and 2 decode steps."""

    def write(self, columns="all", ranges="ours", file="report.sqlite", extra=()):
        (self.folder / file).unlink(missing_ok=True)
        with sqlite3.connect(self.folder / file) as db:
            db.execute("CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT NOT NULL)")
            texts = {}

            def text(value):
                if value not in texts:
                    texts[value] = len(texts) + 1
                    db.execute("INSERT INTO StringIds VALUES (?, ?)", (texts[value], value))
                return texts[value]

            if columns == "all":
                db.execute('CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, "end" INTEGER, deviceId INTEGER, contextId INTEGER, '
                           "greenContextId INTEGER, streamId INTEGER, correlationId INTEGER, globalPid INTEGER, demangledName INTEGER, shortName "
                           "INTEGER, mangledName INTEGER, registersPerThread INTEGER, gridX INTEGER, gridY INTEGER, gridZ INTEGER, blockX INTEGER, "
                           "blockY INTEGER, blockZ INTEGER, staticSharedMemory INTEGER, dynamicSharedMemory INTEGER, graphNodeId INTEGER)")
            else:
                db.execute('CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, "end" INTEGER, correlationId INTEGER, shortName INTEGER)')
            db.execute('CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, "end" INTEGER, globalTid INTEGER, correlationId INTEGER, nameId INTEGER)')
            db.execute('CREATE TABLE NVTX_EVENTS (start INTEGER, "end" INTEGER, eventType INTEGER, text TEXT, textId INTEGER, globalTid INTEGER)')

            def mark(start, end, name, interned=False):
                db.execute("INSERT INTO NVTX_EVENTS VALUES (?, ?, 59, ?, ?, ?)",
                           (start, end, None if interned else name, text(name) if interned else None, THREAD))

            now, correlation = 1000, 0
            for step in range(3):
                begin = now
                for layer in range(2):
                    layer_begin = now
                    for op in ("attention", "mlp"):
                        correlation += 1
                        db.execute("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (?, ?, ?, ?, ?)",
                                   (now + 10, now + 20, THREAD, correlation, text("cudaLaunchKernel_v7000")))
                        # On the device much later: it runs behind the host.
                        start = now + 100_000
                        if columns == "all":
                            db.execute("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (?, ?, 0, 1, NULL, 7, ?, ?, ?, ?, ?, 32, 8, 2, 1, 128, 1, 1, 0, 4096, NULL)",
                                       (start, start + 50, correlation, PROCESS, text(f"void {op}<float>(float*)"), text(op), text(f"_Z{len(op)}{op}IfEvPT_")))
                        else:
                            db.execute("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (?, ?, ?, ?)", (start, start + 50, correlation, text(op)))
                        phase = "prefill" if step == 0 else "decode"
                        mark(now, now + 60, f"{phase}/step {step}/layer {layer}/{op}" if ranges == "ours" else op, interned=ranges == "common")
                        now += 100
                    if ranges == "common":
                        mark(layer_begin, now, f"layer {layer}")
                now += 50
            for statement in extra:
                db.execute(*statement) if isinstance(statement, tuple) else db.execute(statement)
        return file

    EXPECTED = [("prefill" if step == 0 else "decode", step, layer, op, "time", 101_000 + step * 450 + layer * 200 + i * 100, 50)
                for step in range(3) for layer in range(2) for i, op in enumerate(("attention", "mlp"))]

    def test_kernels_find_their_places_in_every_variant_of_the_schema(self):
        for columns in ("all", "few"):
            for ranges in ("ours", "common"):
                with self.subTest(columns=columns, ranges=ranges):
                    (self.folder / "out.fluxdb").unlink(missing_ok=True)
                    self.cli("import", self.write(columns, ranges), "--out", "out.fluxdb")
                    self.assertEqual(self.rows(PLACES), self.EXPECTED)
                    self.assertEqual(self.rows("SELECT phase, step, layer, time_ns, attention_ns, kernels, time_source FROM layer_step ORDER BY step, layer"),
                                     [("prefill" if s == 0 else "decode", s, l, 100, 50, 2, "imported") for s in range(3) for l in range(2)])

    def test_nothing_pretends_to_be_measured_by_us(self):
        self.write(extra=["CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT)", "INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_SCHEMA_VERSION', '3.25.0')",
                          "CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER)", "INSERT INTO TARGET_INFO_SESSION_START_TIME VALUES (1700000000000000000)"])
        self.cli("import", "report.sqlite", "--out", "out.fluxdb")
        self.assertEqual(self.rows("SELECT program, collector, monotonic_ns, utc_ns FROM process"),
                         [("Nsight Systems export schema 3.25.0, imported", "imported", 0, 1_700_000_000_000_000_000)])
        self.assertEqual(self.rows("SELECT role, origin, policy_name, policy, sparse, dtype, device, outcome, begin_ns, end_ns FROM run"),
                         [("timed", "Nsight Systems", "unknown", '{"kind":"unknown"}', "unknown", "", "cuda:0", "finished", 1000, 102_250)])
        self.assertEqual(self.rows("SELECT name, layers, heads, parameters FROM model"), [("", 2, 0, 0)])
        facts = dict(self.rows("SELECT name, value FROM environment"))
        self.assertEqual((facts["import_file"], facts["import_tool"]), ("report.sqlite", "Nsight Systems"))
        self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])

    def test_report_and_export_read_an_import(self):
        self.cli("import", self.write(), "--out", "out.fluxdb")
        self.cli("report", "out.fluxdb", "--md", "out.md")
        self.assertIn("unknown", (self.folder / "out.md").read_text())
        self.cli("export", "out.fluxdb", "--perfetto", "out.pftrace", "--chrome", "out.json", "--csv", "tables")
        self.assertGreater((self.folder / "out.pftrace").stat().st_size, 500)

    def test_what_is_no_kernel_comes_too(self):
        self.write(extra=[
            'CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start INTEGER, "end" INTEGER, deviceId INTEGER, contextId INTEGER, streamId INTEGER, correlationId INTEGER, globalPid INTEGER, bytes INTEGER, copyKind INTEGER, srcKind INTEGER, dstKind INTEGER)',
            f"INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (200000, 200100, 0, 1, 7, 1, {PROCESS}, 4096, 1, 1, 2)",
            'CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET (start INTEGER, "end" INTEGER, bytes INTEGER)',
            "INSERT INTO CUPTI_ACTIVITY_KIND_MEMSET VALUES (200200, 200300, 64)",
            "CREATE TABLE GPU_METRICS (timestamp INTEGER, typeId INTEGER, metricId INTEGER, value INTEGER)",
            "INSERT INTO GPU_METRICS VALUES (1000, 256, 3, 10), (2000, 256, 3, 20), (3000, 256, 3, 30)",
            "CREATE TABLE TARGET_INFO_GPU_METRICS (typeId INTEGER, sourceId INTEGER, typeName TEXT, metricId INTEGER, metricName TEXT)",
            "INSERT INTO TARGET_INFO_GPU_METRICS VALUES (256, 1, 'x', 3, 'SMs Active [Throughput %]')"])
        self.cli("import", "report.sqlite", "--out", "out.fluxdb")
        self.assertEqual(self.rows("SELECT n.value, pinned, bytes, phase, layer FROM memcpy JOIN name AS n ON n.name = kind JOIN place USING (place)"),
                         [("host-to-device", 1, 4096, "prefill", 0)])
        self.assertEqual(self.rows("SELECT bytes, phase FROM memset JOIN place USING (place)"), [(64, "")])
        self.assertEqual(self.rows("SELECT name, source, begin_ns, duration_ns, value FROM sample AS s JOIN metric AS m USING (metric) ORDER BY 3"),
                         [("SMs Active [Throughput %]", "nsys", 1000, 1000, 20.0), ("SMs Active [Throughput %]", "nsys", 2000, 1000, 30.0)])

    def test_a_capture_gets_one_run_more_or_stays_as_it_was(self):
        self.generate(100)
        self.write()
        self.cli("import", "report.sqlite", "--out", "run.fluxdb")
        self.assertEqual(self.rows("SELECT run, origin FROM run", "run.fluxdb"), [(1, ""), (2, "Nsight Systems")])
        before = (self.folder / "run.fluxdb").read_bytes()
        (self.folder / "no.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
        self.assertIn("no.sqlite", self.cli("import", "no.sqlite", "--out", "run.fluxdb", code=3))
        self.assertEqual((self.folder / "run.fluxdb").read_bytes(), before)

    def test_hostile_rows_are_counted_and_left_out(self):
        bad = [(-5, 10), (10, 5), (None, 10), ("soon", "later"), (1 << 62, (1 << 62) + 1), (9.5, 11.5)]
        hostile = "<script>alert(1)</script>'; DROP TABLE run; --\x1b[2J"
        self.write(extra=[("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start, \"end\", shortName) VALUES (?, ?, 1)", times) for times in bad]
                   + [("INSERT INTO NVTX_EVENTS VALUES (-1, 5, 59, 'layer 1', NULL, ?)", (THREAD,)),
                      ("INSERT INTO NVTX_EVENTS VALUES (1, 5, 59, ?, NULL, ?)", (hostile, THREAD)),
                      ("INSERT INTO NVTX_EVENTS VALUES (1, 5, 59, ?, NULL, ?)", ("x" * 5_000_000, THREAD)),
                      ("INSERT INTO NVTX_EVENTS VALUES (1, 5, 59, x'00ff', NULL, 'thread')", ()),
                      ("INSERT INTO StringIds VALUES (9999, ?)", (hostile,)),
                      ("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start, \"end\", shortName) VALUES (500, 600, 9999)", ())])
        text = self.cli("import", "report.sqlite", "--out", "out.fluxdb")
        self.assertIn("7 events have impossible times", text)
        self.assertEqual(len(self.rows("SELECT 1 FROM kernel")), len(self.EXPECTED) + 1)
        self.assertIn((hostile,), self.rows("SELECT value FROM name WHERE value LIKE '%DROP%'"))
        self.cli("export", "out.fluxdb", "--chrome", "out.json", "--csv", "tables")
        names = {e["name"] for e in json.loads((self.folder / "out.json").read_text())["traceEvents"]}
        self.assertTrue(any("DROP TABLE run" in name for name in names))

    def test_hostile_schemas_are_a_sentence(self):
        with sqlite3.connect(self.folder / "other.sqlite") as db:
            db.execute("CREATE TABLE recipes (name TEXT)")
        self.refused("other.sqlite", "Nsight Systems", "nsys export")
        with sqlite3.connect(self.folder / "view.sqlite") as db:
            db.execute("CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS WITH RECURSIVE f(start) AS (SELECT 1 UNION ALL SELECT start + 1 FROM f) SELECT start, start AS \"end\", 1 AS shortName FROM f")
        self.refused("view.sqlite", "Nsight Systems")
        with sqlite3.connect(self.folder / "cut.sqlite") as db:
            db.execute("CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, shortName INTEGER)")
        self.refused("cut.sqlite", "CUPTI_ACTIVITY_KIND_KERNEL.end", "export the report again")
        with sqlite3.connect(self.folder / "empty.sqlite") as db:
            db.execute('CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, "end" INTEGER, shortName INTEGER)')
        self.refused("empty.sqlite", "no kernels, calls or ranges")

    def test_many_ranges_and_kernels_do_not_explode(self):
        """150,000 kernels in 1,000,000 ranges, of which a quadratic join would look at 150 billion pairs."""
        self.write()
        with sqlite3.connect(self.folder / "report.sqlite") as db:
            db.execute("INSERT INTO NVTX_EVENTS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999) "
                       f"SELECT 1000000 + i * 100, 1000000 + i * 100 + 90, 59, 'decode/step ' || (3 + i / 1000) || '/layer ' || (i / 10 % 100) || '/mlp', NULL, {THREAD} FROM n")
            db.execute("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 149999) "
                       f"SELECT 1000010 + i * 600, 1000020 + i * 600, {THREAD}, 1000 + i, 1 FROM n")
            db.execute('INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start, "end", deviceId, streamId, correlationId, globalPid, shortName) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 149999) '
                       f"SELECT 2000000 + i * 600, 2000500 + i * 600, 0, 7, 1000 + i, {PROCESS}, 1 FROM n")
        begin = time.monotonic()
        process = subprocess.Popen([world.OPTIONS.program, "import", "report.sqlite", "--out", "out.fluxdb"], cwd=self.folder, stderr=subprocess.PIPE)
        with process.stderr:
            text = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, text)
        print(f"import of 1 M ranges: {time.monotonic() - begin:.1f} s, {usage.ru_utime:.1f} s of CPU, {usage.ru_maxrss / 1024:.0f} MB", file=sys.stderr)
        self.assertLess(usage.ru_utime, 60)
        self.assertLess(usage.ru_maxrss / 1024 - world.idle_megabytes(), 300)
        self.assertEqual(self.rows("SELECT count(*), count(DISTINCT step) FROM kernel JOIN place USING (place) WHERE phase = 'decode' AND step > 2"), [(150_000, 900)])


class Kineto(World):
    def write(self, name="trace.json", events=(), **top):
        text = json.dumps({"schemaVersion": 1, "baseTimeNanoseconds": 1_700_000_000_000_000_000, "displayTimeUnit": "ms",
                           "deviceProperties": [{"id": 0, "name": "NVIDIA H200"}], **top, "traceEvents": list(events)})
        (self.folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return name

    @staticmethod
    def event(category, name, ts, dur, pid=10, tid=11, **arguments):
        return {"ph": "X", "cat": category, "name": name, "pid": pid, "tid": tid, "ts": ts, "dur": dur, "args": arguments}

    def world(self):
        e = self.event
        return [e("user_annotation", "prefill", 1.0, 9.0), e("user_annotation", "layer 0", 2.0, 3.0), e("python_function", "nn.Module: layer 7", 1.0, 9.0),
                e("cuda_runtime", "cudaLaunchKernel", 2.5, 0.5, correlation=1), e("cpu_op", "aten::mm", 3.0, 1.0, **{"External id": 40}),
                e("kernel", "void gemm<float>(int)", 100.001, 2.5, 0, 7, correlation=1, stream=7, device=0, grid=[4, 2, 1], block=[128, 1, 1],
                  **{"External id": 39, "registers per thread": 32, "shared memory": 512}),
                e("kernel", "late", 105, 1, 0, 7, correlation=999, stream=7, device=0, **{"External id": 40}),
                e("kernel", "lost", 110, 1, 0, 7, stream=7, device=0),
                e("gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", 120.5, 1.25, 0, 7, correlation=1, stream=7, device=0, bytes=100),
                e("gpu_memset", "Memset (Device)", 130, 1, 0, 7, stream=7, device=0, bytes=16),
                {"ph": "s", "id": 1, "pid": 10, "tid": 11, "ts": 2.5, "cat": "ac2g", "name": "ac2g"},
                {"ph": "M", "name": "process_name", "pid": 0, "tid": 0, "ts": 0, "args": {"name": "python"}}]

    def test_kernels_are_joined_by_correlation_and_by_external_id(self):
        for name in ("trace.json", "trace.json.gz"):
            with self.subTest(name):
                (self.folder / "out.fluxdb").unlink(missing_ok=True)
                self.cli("import", self.write(name, self.world()), "--out", "out.fluxdb")
                self.assertEqual(self.rows(PLACES), [("prefill", 0, 0, "", "time", 100_001, 2500), ("prefill", 0, 0, "", "time", 105_000, 1000),
                                                     ("", -1, -1, "", "none", 110_000, 1000)])
                self.assertEqual(self.rows("SELECT grid_x, block_x, registers_per_thread, dynamic_shared_bytes FROM launch WHERE grid_x > 0"), [(4, 128, 32, 512)])
                self.assertEqual(self.rows("SELECT n.value, pinned, bytes, layer FROM memcpy JOIN name AS n ON n.name = kind JOIN place USING (place)"), [("host-to-device", 1, 100, 0)])
                self.assertEqual(self.rows("SELECT program, utc_ns FROM process"), [("PyTorch profiler trace schema 1, imported", 1_700_000_000_000_000_000)])
                self.assertEqual(self.rows("SELECT value FROM environment WHERE name = 'gpu'"), [("NVIDIA H200",)])
                self.assertEqual(len(self.rows("SELECT 1 FROM api")), 1)

    def test_times_since_1970_keep_their_nanoseconds(self):
        text = json.dumps([self.event("user_annotation", "layer 3", 0, 1), self.event("kernel", "k", 0, 1)])
        (self.folder / "trace.json").write_text(text.replace('"ts": 0', '"ts": 1700000000000000.123'))
        self.cli("import", "trace.json", "--out", "out.fluxdb")
        self.assertEqual(self.rows("SELECT begin_ns FROM kernel"), [(1_700_000_000_000_000_123,)])

    def test_a_trace_without_a_device_has_the_hosts_times(self):
        e = self.event
        self.cli("import", self.write(events=[e("user_annotation", "layer 0", 1, 4), e("user_annotation", "attention", 2, 1), e("user_annotation", "layer 1", 5, 3)]), "--out", "out.fluxdb")
        self.assertEqual(self.rows("SELECT phase, step, layer, time_ns, attention_ns, time_source FROM layer_step"),
                         [("prefill", 0, 0, 4000, 1000, "imported"), ("prefill", 0, 1, 3000, 0, "imported")])

    def test_hostile_events_are_counted_and_left_out(self):
        e = self.event
        bad = [e("kernel", "k", "soon", 1), e("kernel", "k", -5, 1), e("kernel", "k", 5, -1), e("kernel", "k", 1e300, 1), e("kernel", "k", None, 1),
               e("kernel", "k", 1, 1, 0, -7), {"ph": "X"}, {"ph": 7, "cat": [], "name": {}}, [], 5, None, e("kernel", "good\x00<b>", 50, 1, correlation="x", grid="big")]
        text = self.cli("import", self.write(events=self.world() + bad), "--out", "out.fluxdb")
        self.assertIn("events", text)
        self.assertEqual(len(self.rows("SELECT 1 FROM kernel")), 4)

    def test_hostile_files_are_a_sentence(self):
        def put(name, data):
            (self.folder / name).write_bytes(data)
            return name
        good = json.dumps({"traceEvents": self.world()}).encode()
        self.refused(put("cut.json", good[:200]), "stops being JSON")
        self.refused(put("cut.json.gz", gzip.compress(good * 100)[:300]), "damaged")
        self.refused(put("deep.json", b'{"traceEvents":' + b"[" * 1_000_000), "nested deeper than 64")
        self.refused(put("nan.json", b'{"traceEvents":[{"ph":"X","cat":"kernel","ts":NaN}]}'), "stops being JSON")
        self.refused(put("long.json.gz", gzip.compress(b'{"traceEvents":[{"name":"' + b"a" * (80 << 20))), "longer than 64 MiB")
        self.refused(put("other.json", b'{"a": 1}'), "traceEvents")
        self.refused(put("empty.json", b'{"traceEvents": []}'), "no kernels")
        self.refused(put("text.txt", b"once upon a time"), "Nsight Systems", "docs/importing.md")
        self.refused(put("nothing", b""), "docs/importing.md")
        self.refused("gone.json", "does not exist")


class Decisions(World):
    HEADER = {"format": "fluxscope-decisions", "version": 1, "engine": "transformers 4.51.1", "model": "Qwen3-4B", "layers": 4, "threshold": 0.4}

    def write(self, *lines, header=HEADER, name="decisions.jsonl"):
        (self.folder / name).write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in (header, *lines)))
        return name

    def test_decisions_tokens_and_kv_arrive(self):
        self.cli("import", self.write(
            {"type": "prompt", "prompt": "p-0", "kind": "qa", "split": "test", "text": "Where?", "ids": [5, 6], "answer": "here"},
            {"type": "decision", "prompt": "p-0", "layer": 0, "full": True, "logits": [0.25, 1.25]},
            {"type": "decision", "prompt": "p-0", "layer": 3, "full": False, "logits": [-0.75]},
            {"type": "decision", "prompt": "p-1", "layer": 1, "kv_head": 2, "full": False, "by": "policy"},
            {"type": "kv", "prompt": "p-0", "layer": 0, "bytes_kept": 1000, "bytes_freed": 24},
            "",
            {"type": "token", "prompt": "p-0", "token": 9, "text": "=here", "logprob": -0.5}), "--out", "out.fluxdb")
        rows = self.rows("SELECT id, layer, kv_head, attention, decided_by, logit_sparse, logit_full, round(p_full, 6), threshold FROM decision JOIN sequence USING (run, sequence) JOIN prompt USING (prompt) ORDER BY row")
        self.assertEqual(rows, [("p-0", 0, -1, "full", "router", 0.25, 1.25, 0.731059, 0.4), ("p-0", 3, -1, "sparse", "router", 0.0, -0.75, 0.320821, 0.4),
                                ("p-1", 1, 2, "sparse", "policy", None, None, None, None)])
        self.assertEqual(self.rows("SELECT layer, bytes_kept, bytes_freed FROM kv"), [(0, 1000, 24)])
        self.assertEqual(self.rows("SELECT step, token, text FROM token ORDER BY row"), [(-1, 5, None), (-1, 6, None), (0, 9, b"=here")])
        self.assertEqual(self.rows("SELECT policy_name, sparse, origin FROM run"), [("routed:0.4", "unknown", "transformers 4.51.1")])
        self.assertEqual(self.rows("SELECT name, layers FROM model"), [("Qwen3-4B", 4)])
        self.cli("report", "out.fluxdb", "--json")

    def test_wrong_lines_are_named(self):
        def refused(line, *parts, header=self.HEADER):
            self.refused(self.write(line, header=header), *parts)
        decision = {"type": "decision", "prompt": "p", "layer": 0, "full": True}
        refused({"type": "decision", "layer": 0}, "line 2, prompt is missing")
        refused({**decision, "type": "dream"}, "line 2, type is 'dream'")
        refused({**decision, "layer": -1}, "line 2, layer")
        refused({**decision, "layer": 1 << 40}, "line 2, layer")
        refused({**decision, "layer": "two"}, "line 2, layer")
        refused({**decision, "full": 1}, "line 2, full")
        refused({**decision, "logits": [1, 2, 3]}, "line 2, logits")
        refused({**decision, "logits": ["a"]}, "line 2, logits")
        refused(json.dumps({**decision, "logits": 7}).replace("7", "[NaN, 1]"), "line 2 is not JSON")
        refused(json.dumps({**decision, "logits": 7}).replace("7", "[1e999, 1]"), "line 2")
        refused({**decision, "by": "magic"}, "line 2, by")
        refused("[" * 100_000, "line 2 is nested deeper than 8")
        refused("{", "line 2 is not JSON")
        refused(decision, "line 1, version", header={**self.HEADER, "version": 2})
        refused(decision, "line 1, threshold", header={**self.HEADER, "threshold": 2})
        refused(decision, "line 1, policy", header={**self.HEADER, "policy": "nobody"})
        self.refused(self.write(), "has no decisions")

    def test_the_example_records_what_a_routers_module_decides(self):
        """A module with the interface of the authors' models, hooked by tools/record_decisions.py."""
        script = f"""
import sys, torch
sys.path.insert(0, {os.path.join(world.OPTIONS.source, 'tools')!r})
from record_decisions import DecisionRecorder
class AttentionRouter(torch.nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.cls_router_head_agnostic = torch.nn.Linear(4, 2)
        torch.nn.init.zeros_(self.cls_router_head_agnostic.weight)
        self.cls_router_head_agnostic.bias.data = torch.tensor([0.0, bias])
    def forward(self, x, cu_seq_len=None, range_ids=None, task_ids=None):
        logits = self.cls_router_head_agnostic(x.mean(dim=(1, 2)))           # [B, 2]
        z = torch.nn.functional.softmax(logits, -1).argmax(-1, keepdim=True)  # [B, 1]
        heads = x.shape[2]
        return {{"logits": logits.unsqueeze(1).expand(-1, heads, -1), "sparse_mask": z.expand(-1, heads).unsqueeze(-1).float(), "entropy": None}}
class Attention(torch.nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.mask_allocator = AttentionRouter(bias)
    def forward(self, x):
        self.mask_allocator(x)
class Layer(torch.nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.self_attn = Attention(bias)
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = torch.nn.Module()
        self.model.layers = torch.nn.ModuleList(Layer(bias) for bias in (1.0, -2.0, 0.5))
    def forward(self, x):
        for layer in self.model.layers:
            layer.self_attn(x)
model = Model()
with DecisionRecorder(model, "decisions.jsonl", engine="transformers 4.51.1", model_name="tiny") as recorder:
    with recorder.prompt("needle-1", "needle-2", kind="needle"):
        model(torch.randn(2, 6, 3, 4))
model(torch.randn(2, 6, 3, 4))  # no longer recorded
"""
        subprocess.run([sys.executable, "-c", script], check=True, cwd=self.folder)
        self.cli("import", "decisions.jsonl", "--out", "out.fluxdb")
        self.assertEqual(self.rows("SELECT id, kind, layer, attention, logit_full FROM decision JOIN sequence USING (run, sequence) JOIN prompt USING (prompt) ORDER BY id, layer"),
                         [(f"needle-{n}", "needle", layer, attention, logit) for n in (1, 2) for layer, attention, logit in ((0, "full", 1.0), (1, "sparse", -2.0), (2, "full", 0.5))])


class Capture(World):
    def test_cancel_and_progress(self):
        """A large trace on a terminal: it says how far it is, and Ctrl-C leaves nothing behind."""
        event = json.dumps(Kineto.event("kernel", "k", 1.5, 1, 0, 7, correlation=1, stream=7, device=0))
        with open(self.folder / "trace.json", "w") as out:
            out.write('{"traceEvents": [' + event)
            for _ in range(600_000):
                out.write(",\n" + event)
            out.write("]}")
        leader, follower = pty.openpty()
        process = subprocess.Popen([world.OPTIONS.program, "import", "trace.json", "--out", "out.fluxdb"], cwd=self.folder, stderr=follower)
        os.close(follower)
        seen = b""
        while b"reading trace.json" not in seen:
            seen += os.read(leader, 4096)
        process.terminate()
        self.assertEqual(process.wait(30), 5)
        os.close(leader)
        self.assertEqual(os.listdir(self.folder), ["trace.json"])


if __name__ == "__main__":
    world.main()
