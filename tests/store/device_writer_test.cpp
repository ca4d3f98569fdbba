// What a device did, as it stands in the file, and the sums that are kept up with it.
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/kernel_columns.h"
#include "profiler/store/capture_writer.h"
#include "tests/record/scratch.h"
#include "tests/store/device_run.h"
#include "tests/store/overview_definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fluxscope {
namespace {

using testing::kernelAt;
using testing::kernelsOf;
using testing::placeOf;
using testing::rowsOf;
using testing::Scratch;

constexpr std::int64_t kBegin = 2'000'000'000;

// A run of these kernels, told in batches of `batch`.
void record(const std::filesystem::path& file, const std::vector<KernelRecord>& kernels,
            std::size_t batch = 1000, std::optional<std::int64_t> budget = kRecordBudget) {
    CaptureWriter writer(file, testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(kBegin), true);
    writer.setRecordBudget(budget);
    for (std::size_t i = 0; i < kernels.size(); i += batch) {
        writer.write(std::span(kernels).subspan(i, std::min(batch, kernels.size() - i)));
        writer.commit();
    }
    writer.endRun(Nanoseconds(kBegin + 1'000'000'000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
}

// Kernels of several streams that overlap, some of them nobody's, told out of order within a batch.
std::vector<KernelRecord> wildKernels() {
    std::mt19937 random(3);  // NOLINT(bugprone-random-generator-seed): the same kernels each time
    std::vector<KernelRecord> kernels;
    std::int64_t at = kBegin + 5;
    for (int i = 0; i < 600; ++i) {
        at += static_cast<std::int64_t>(random() % 300'000);
        const auto length =
            static_cast<std::int64_t>(i % 50 == 0 ? random() % 9'000'000 : random() % 200'000);
        const int layer = static_cast<int>(random() % 3) - 1;
        constexpr std::array kOps{Op::Router, Op::Attention, Op::Mlp};
        std::optional<ScopeKey> place = placeOf(i / 200, layer, kOps.at(random() % 3));
        if (i % 13 == 0) place.reset();
        kernels.push_back(kernelAt(place, at, at + length, static_cast<int>(random() % 2)));
    }
    for (std::size_t i = 0; i + 40 <= kernels.size(); i += 40) {
        std::shuffle(kernels.begin() + static_cast<std::ptrdiff_t>(i),
                     kernels.begin() + static_cast<std::ptrdiff_t>(i) + 40, random);
    }
    return kernels;
}

TEST(DeviceWriter, keepsAnOverviewThatIsWhatItsDefinitionSays) {
    const Scratch scratch;
    record(scratch.file(), wildKernels(), 37);
    const std::string counts = testing::overviewAgainstDefinition(scratch.file(), false);
    EXPECT_THAT(counts, ::testing::MatchesRegex("\n[0-9]+ 0 0\n"));
    EXPECT_GT(std::stoi(counts), 500) << counts;
}

TEST(DeviceWriter, aLayersTimeIsTheUnionOfItsKernels) {
    const Scratch scratch;
    const std::int64_t t = kBegin + 1000;
    // Out of order, overlapping, one inside of another, one that closes a gap; a bad stamp counts nowhere.
    record(
        scratch.file(),
        {kernelAt(placeOf(1, 0, Op::Attention), t + 100, t + 200),
         kernelAt(placeOf(1, 0, Op::Mlp), t + 300, t + 400),
         kernelAt(placeOf(1, 0, Op::Attention), t + 150, t + 180),
         kernelAt(placeOf(1, 0, Op::Router), t, t + 50), kernelAt(placeOf(1, 0, Op::Mlp), t + 190, t + 310),
         kernelAt(placeOf(1, 1, Op::Attention), t + 500, t + 510),
         kernelAt(placeOf(1, 1, Op::Attention), t + 700, 0)},
        2);
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT step, layer, begin_ns - 2000001000, time_ns, router_ns, attention_ns, kernels, "
                     "overlap_ns, "
                     "time_source FROM layer_step ORDER BY layer"),
              "\n1 0 0 350 50 100 5 50 cupti\n1 1 500 10 0 10 1 0 cupti\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT figure, value FROM quality ORDER BY figure"),
              "\nbad_timestamps 1.0\nkernel_ns 410.0\nkernels 7.0\nunattributed_kernels 0.0\nunattributed_ns "
              "0.0\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT duration_ns FROM kernel ORDER BY kernel DESC LIMIT 1"),
              "\n-1\n");
}

TEST(DeviceWriter, theHostsAndTheDevicesHalfOfACostComeInAnyOrder) {
    for (const bool hostFirst : {true, false}) {
        const Scratch scratch;
        CaptureWriter writer(scratch.file(), testing::kDeviceProcess);
        writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(kBegin), true);
        const LayerStepRecord host{.phase = Phase::Decode,
                                   .step = StepIndex(1),
                                   .layer = LayerIndex(0),
                                   .begin = Nanoseconds(5),
                                   .time = Nanoseconds(77),
                                   .timeSource = "host-enqueue",
                                   .cost = {100, 20, 3}};
        const std::vector kernels{kernelAt(placeOf(1, 0, Op::Mlp), kBegin + 10, kBegin + 30)};
        if (hostFirst) writer.write(host);
        writer.write(std::span<const KernelRecord>(kernels));
        writer.commit();
        if (!hostFirst) writer.write(host);
        ASSERT_TRUE(writer.finish());
        EXPECT_EQ(
            rowsOf(scratch.file(),
                   "SELECT time_ns, time_source, bytes_read, bytes_written, flops, kernels FROM layer_step"),
            "\n20 cupti 100 20 3 1\n")
            << "host first: " << hostFirst;
    }
}

TEST(DeviceWriter, keepsOnlySumsBeyondTheBudget) {
    const Scratch all, few;
    const std::vector<KernelRecord> kernels = kernelsOf(20, 4, kBegin + 10);
    record(all.file(), kernels);
    record(few.file(), kernels, 50, 100);
    EXPECT_EQ(rowsOf(few.file(),
                     "SELECT count(*) FROM kernel; SELECT record_budget, over_budget, over_budget_ns > "
                     "begin_ns FROM run"),
              "\n100\n100 " + std::to_string(kernels.size() - 100) + " 1\n");
    EXPECT_EQ(
        rowsOf(few.file(), "SELECT figure, value, note FROM quality WHERE figure LIKE 'over_%'"),
        "\nover_budget_kernel " + std::to_string(kernels.size() - 100) +
            ".0 only in the sums of layer_step and overview: the record budget is 100 rows of a kind\n");
    EXPECT_EQ(rowsOf(few.file(), "SELECT value FROM quality WHERE figure = 'kernels'"),
              "\n" + std::to_string(kernels.size()) + ".0\n");
    for (const char* sums :
         {"SELECT step, layer, time_ns, attention_ns, kernels FROM layer_step ORDER BY 1, 2",
          "SELECT level, kind, layer, bucket, busy_ns, events, op FROM overview JOIN lane USING (lane) ORDER "
          "BY 1, 2, 3, 4"}) {
        EXPECT_EQ(rowsOf(few.file(), sums), rowsOf(all.file(), sums));
    }
}

TEST(DeviceWriter, setsRightWhatWasExplainedLate) {
    const Scratch scratch, rightAway;
    std::vector<KernelRecord> kernels = kernelsOf(3, 2, kBegin + 10);
    record(rightAway.file(), kernels);
    std::vector<LateAttribution> late;
    for (std::size_t i = 0; i < kernels.size(); i += 4) {
        late.push_back({.correlation = kernels[i].correlation,
                        .place = *kernels[i].scope.place,
                        .by = Attribution::External});
        kernels[i].scope = {};
    }
    CaptureWriter writer(scratch.file(), testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(kBegin), true);
    writer.write(std::span<const KernelRecord>(kernels));
    writer.commit();
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT value FROM quality WHERE figure = 'unattributed_kernels'"),
              "\n" + std::to_string(late.size()) + ".0\n");
    writer.write(std::span<const LateAttribution>(late));
    writer.endRun(Nanoseconds(kBegin + 1'000'000'000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT revision > 0, settled FROM run"), "\n1 -\n");
    for (const char* same :
         {"SELECT step, layer, time_ns, router_ns, kernels FROM layer_step WHERE kernels > 0 ORDER BY 1, 2",
          "SELECT figure, value FROM quality ORDER BY 1",
          "SELECT kernel, phase, step, layer, op, a.value FROM kernel JOIN place USING (place) JOIN name AS "
          "a ON a.name = attribution ORDER BY 1",
          "SELECT level, kind, layer, bucket, busy_ns, events, op FROM overview JOIN lane USING (lane) ORDER "
          "BY 1, 2, 3, 4"}) {
        EXPECT_EQ(rowsOf(scratch.file(), same), rowsOf(rightAway.file(), same));
    }
}

TEST(DeviceWriter, writesEachTextPlaceAndShapeOnceAlsoInALaterRun) {
    const Scratch scratch;
    const std::vector<KernelRecord> kernels = kernelsOf(10, 2, kBegin + 10);
    record(scratch.file(), kernels);
    record(scratch.file(), kernels);
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT count(*), count(DISTINCT launch) FROM kernel; SELECT count(*) FROM launch; "
                     "SELECT run, count(*) FROM place GROUP BY run"),
              "\n140 1\n1\n1 14\n2 14\n");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT n.value, d.value, s.value FROM name AS n JOIN name AS d ON d.name = n.demangled "
                     "JOIN name AS s ON s.name = n.short"),
              "\n_ZN2ns4gemmIfEEvPT_i void ns::gemm<float>(float*, int) gemm\n_Z6decodePfi decode(float*, "
              "int) decode\n");
}

TEST(DeviceWriter, blocksHaveEveryKernelOnce) {
    const Scratch scratch;
    record(scratch.file(), kernelsOf(50, 4, kBegin + 10), 33);
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT count(*) FROM kernel AS k WHERE 1 <> (SELECT count(*) FROM kernel_block AS b "
                     "WHERE kernel BETWEEN first_kernel AND last_kernel "
                     "AND k.begin_ns >= b.begin_ns AND k.begin_ns + duration_ns <= b.end_ns); SELECT "
                     "count(*) > 10 FROM kernel_block"),
              "\n0\n1\n");
}

TEST(DeviceWriter, writesEverythingElseADeviceTells) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), testing::kDeviceProcess);
    writer.write(CollectorRecord{.name = "counters",
                                 .state = CollectorState::Missing,
                                 .reason = "another program counts",
                                 .remedy = "end it"});
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(kBegin), true);
    writer.write(
        CollectorRecord{.name = "trace", .state = CollectorState::Running, .reason = "", .remedy = ""});
    writer.write(CollectorRecord{
        .name = "trace", .state = CollectorState::Stopped, .reason = "why", .remedy = "what"});
    const Nanoseconds b(kBegin + 1), e(kBegin + 11);
    const Attributed place{.place = placeOf(1, 2, Op::Mlp), .by = Attribution::GraphNode};
    const std::vector copies{CopyRecord{.scope = place,
                                        .begin = b,
                                        .end = e,
                                        .queue = {0, 1, 7},
                                        .correlation = 3,
                                        .kind = CopyKind::DeviceToHost,
                                        .pinned = true,
                                        .bytes = 8}};
    const std::vector fills{
        FillRecord{.scope = {}, .begin = b, .end = e, .queue = {0, 1, 7}, .correlation = 4, .bytes = 16}};
    const std::vector calls{ApiRecord{
        .scope = place, .begin = b, .end = e, .thread = 9, .correlation = 3, .name = "cudaLaunchKernel"}};
    const std::vector syncs{
        SyncRecord{.begin = b, .end = e, .queue = {0, 1, 7}, .correlation = 5, .kind = "stream"}};
    const std::vector overheads{OverheadRecord{.begin = b, .end = e, .thread = 9, .kind = "buffer-flush"}};
    const std::vector nodes{
        GraphNodeRecord{.node = 0xFFFFFFFFFFFFFFFFU, .original = 2, .place = placeOf(0, 2, Op::Mlp)}};
    const std::vector samples{
        SampleRecord{.device = 0, .begin = b, .end = e, .metric = "power_w", .value = 1.5, .source = "nvml"}};
    const std::vector traffic{TrafficRecord{
        .scope = placeOf(1, 2, Op::Mlp), .metric = "l2_bytes", .value = 64, .source = "hw_range", .pass = 1}};
    writer.write(std::span(copies));
    writer.write(std::span(fills));
    writer.write(std::span(calls));
    writer.write(std::span(syncs));
    writer.write(std::span(overheads));
    writer.write(std::span(nodes));
    writer.write(std::span(samples));
    writer.write(std::span(traffic));
    writer.write(DeviceRecord{
        .device = 0, .name = "H200", .uuid = "GPU-1", .computeMajor = 9, .multiprocessors = 132});
    writer.write(FidelityRecord{.sequence = {},
                                .turn = {},
                                .step = StepIndex(1),
                                .fidelity = {.kl = 0.5, .sameTop = true, .logprobChange = -0.25}});
    writer.write(QualityRecord{.figure = "source_difference", .value = 0.125, .note = "of step 3"});
    writer.setClockLocked();
    writer.setOrigin("nsys", "nsys");
    ASSERT_TRUE(writer.finish());
    EXPECT_EQ(rowsOf(scratch.file(), R"(
SELECT phase, step, layer, op, a.value, duration_ns, k.value, pinned, bytes FROM memcpy JOIN place USING (place) JOIN name AS a ON a.name = attribution JOIN name AS k ON k.name = kind;
SELECT phase, step, layer, a.value, bytes FROM memset JOIN place USING (place) JOIN name AS a ON a.name = attribution;
SELECT thread, correlation, n.value FROM api JOIN name AS n USING (name);
SELECT run, stream, n.value FROM sync JOIN name AS n ON n.name = kind;
SELECT run, thread, n.value FROM overhead JOIN name AS n ON n.name = kind;
SELECT node, original, layer, op FROM graph_node JOIN place USING (place);
SELECT m.name, m.source, value FROM sample JOIN metric AS m USING (metric);
SELECT op, metric, value, source, pass, confidence FROM traffic JOIN place USING (place);
SELECT name, multiprocessors FROM device; SELECT step, kl, same_top, logprob_change FROM fidelity; SELECT * FROM quality WHERE note <> '';
SELECT run, name, state, reason FROM collector; SELECT clock_locked, origin FROM run)"),
              R"(
decode 1 2 mlp graph-node 10 device-to-host 1 8
 -1 -1 none 16
9 3 cudaLaunchKernel
1 7 stream
1 9 buffer-flush
-1 2 2 mlp
power_w nvml 1.5
mlp l2_bytes 64.0 hw_range 1 high
H200 132
1 0.5 1 -0.25
1 source_difference 0.125 of step 3
-1 counters missing another program counts
1 trace stopped why
1 nsys
)");
}

TEST(KernelColumns, areWhatWasWritten) {
    const Scratch scratch;
    std::vector<KernelRecord> kernels = wildKernels();
    kernels[5].end = Nanoseconds(0);
    record(scratch.file(), kernels, 100);
    const KernelColumns c = readKernels(scratch.file(), RunIndex(1));
    EXPECT_THAT(c.problems, ::testing::IsEmpty());
    ASSERT_EQ(c.size(), kernels.size());
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        const KernelRecord& k = kernels[i];
        EXPECT_EQ(c.begin_ns[i], k.begin.count());
        EXPECT_EQ(c.duration_ns[i], k.end >= k.begin ? (k.end - k.begin).count() : -1);
        EXPECT_EQ(c.stream[i], k.queue.stream);
        EXPECT_EQ(c.attribution[i], k.scope.by);
        EXPECT_EQ(c.launches[static_cast<std::size_t>(c.launch[i])], k.launch);
        EXPECT_EQ(c.names[static_cast<std::size_t>(c.name[i])].brief,
                  k.name == testing::kGemm ? "gemm" : "decode");
        std::optional<ScopeKey> place = c.places[static_cast<std::size_t>(c.place[i])];
        if (place) place->step = StepIndex(c.step[i]);
        EXPECT_EQ(place, k.scope.place);
    }
    EXPECT_EQ(readKernels(scratch.file(), RunIndex(2)).size(), 0U);
}

TEST(KernelColumns, ofATimeAreFewerThanAll) {
    const Scratch scratch;
    const std::vector<KernelRecord> kernels = kernelsOf(100, 4, kBegin + 10);
    record(scratch.file(), kernels, 50);
    const TimeRange range{kernels[600].begin, kernels[610].end};
    const KernelColumns c = readKernels(scratch.file(), RunIndex(1), range);
    EXPECT_LE(c.size(), 100U);
    for (std::size_t i = 600; i <= 610; ++i)
        EXPECT_THAT(c.begin_ns, ::testing::Contains(kernels[i].begin.count()));
}

TEST(KernelColumns, leaveOutWhatFitsNothingAndSayIt) {
    const Scratch scratch;
    record(scratch.file(), kernelsOf(2, 2, kBegin + 10));
    rowsOf(scratch.file(),
           "PRAGMA foreign_keys = OFF; UPDATE kernel SET place = 999 WHERE kernel = 1; UPDATE kernel SET "
           "name = -4 WHERE kernel = 2;"
           "UPDATE kernel SET duration_ns = -7 WHERE kernel = 3; UPDATE kernel SET step = 99999999999 WHERE "
           "kernel = 4; DROP TABLE launch");
    KernelColumns c = readKernels(scratch.file(), RunIndex(1));
    EXPECT_EQ(c.size(), 0U) << "without launches no kernel is whole";
    EXPECT_THAT(c.problems, ::testing::ElementsAre(
                                "table launch cannot be read to its end: it is missing",
                                "table kernel: 14 rows do not fit the rest of the file and are left out"));
}

// Whoever follows a run reads the host's enqueue times first and gets the device's when they come.
TEST(CaptureFeed, takesTheDevicesTimesWhenTheyCome) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(2), Nanoseconds(kBegin), true);
    const std::vector<KernelRecord> kernels = kernelsOf(12, 2, kBegin + 10);
    for (int step = 0; step < 12; ++step) {
        for (int layer = 0; layer < 2; ++layer) {
            writer.write(LayerStepRecord{.phase = step == 0 ? Phase::Prefill : Phase::Decode,
                                         .step = StepIndex(step),
                                         .layer = LayerIndex(layer),
                                         .begin = Nanoseconds(1),
                                         .time = Nanoseconds(1),
                                         .timeSource = "host-enqueue",
                                         .cost = {}});
        }
        writer.commit();
        if (step > 2) {  // three steps behind the host
            writer.write(std::span(kernels).subspan(static_cast<std::size_t>(step - 3) * 7, 7));
            writer.commit();
        }
    }
    writer.write(std::span(kernels).subspan(63));
    writer.endRun(Nanoseconds(kBegin + 1), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
    const SnapshotPtr whole = readCapture(scratch.file());
    int fromDevice = 0;
    whole->layerSteps.each([&](const LayerStepRow& r) {
        fromDevice += r.timeSource == "cupti" && (r.layer.value() < 0 || r.time.count() == 60'000) ? 1 : 0;
    });
    EXPECT_EQ(fromDevice, 36);
}

}  // namespace
}  // namespace fluxscope
