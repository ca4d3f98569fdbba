#include "profiler/analysis/layer_bytes.h"

#include "profiler/figure/number.h"
#include "tests/analysis/kernel_builder.h"

#include <gtest/gtest.h>

#include <random>

namespace fluxscope {
namespace {

using testing::KernelTable;
using testing::rows;
using testing::SnapshotBuilder;

// Back to back from 0 on, each `us` long.
struct Sampling {
    std::vector<std::int64_t> begin, end;
    std::vector<double> read, written;

    Sampling(std::size_t count, std::int64_t us, double readBytes, double writtenBytes)
        : read(count, readBytes), written(count, writtenBytes) {
        for (std::size_t i = 0; i < count; ++i) {
            begin.push_back(static_cast<std::int64_t>(i) * us * 1000);
            end.push_back(begin.back() + us * 1000);
        }
    }
    std::vector<SampleColumns> columns() const {
        return {{"dram_read_bytes", "hw_pm", begin, end, read},
                {"dram_write_bytes", "hw_pm", begin, end, written},
                {"l2_bytes", "hw_pm", begin, end, read},
                {"dram_read_bytes", "nvml", begin, end, read}};
    }
};

std::string text(const BytesOfSource& source) {
    std::string out = "phase step layer read written inside worth confidence\n";
    for (const LayerBytes& r : source.rows)
        out += std::string(nameOf(r.phase)) + " " + std::to_string(r.step.value()) + " " +
               (r.layer ? std::to_string(r.layer->value()) : "-") + " " + withDecimals(r.read, 0) + " " +
               withDecimals(r.written, 0) + " " + std::to_string(r.samplesInside) + " " +
               withDecimals(r.samplesWorth, 2) + " " + std::string(nameOf(r.confidence)) + "\n";
    return rows(out);
}

// Samples of 100 us. Sample 20 is shared by two layers, sample 21 has one kernel and idle time, in sample 22 nothing runs, in
// sample 23 half of the time is nobody's, in sample 24 two layers run side by side.
TEST(SampledBytes, goToTheLayersWhoseKernelsRan) {
    const KernelTable kernels(R"(
        phase    step  layer  stream  start_us  end_us
        prefill  0     0      7       0         800
        prefill  0     0      7       800       1600
        prefill  0     1      7       1600      2050
        decode   1     0      7       2050      2100
        decode   1     1      7       2100      2130
        -        -     -      7       2300      2350
        decode   2     -      7       2350      2400
        decode   3     0      7       2400      2500
        decode   3     1      9       2400      2500
    )");
    const Sampling sampling(25, 100, 1000, 200);
    const BytesOfSource bytes = sampledBytes(kernels.view(), sampling.columns());
    EXPECT_EQ(text(bytes), rows(R"(
        phase    step  layer  read   written  inside  worth  confidence
        prefill  0     0      16000  3200     16      16.00  high
        prefill  0     1      4500   900      4       4.50   medium
        decode   1     0      500    100      0       0.50   low
        decode   1     1      1000   200      1       1.00   low
        decode   2     -      500    100      0       0.50   low
        decode   3     0      500    100      0       0.50   low
        decode   3     1      500    100      0       0.50   low
    )"));
    EXPECT_EQ(bytes.origin(), "sampled, PM counters joined by time");
}

TEST(SampledBytes, areNotTrustedWhereSamplesAreMissing) {
    const KernelTable kernels("layer start_us end_us\n 0 0 4000\n 1 4000 8000");
    Sampling sampling(80, 100, 1000, 0);
    // Of layer 0 a twentieth is missing, of layer 1 a half.
    for (const std::size_t missing :
         {70, 69, 68, 67, 66, 65, 64, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 9, 8})
        for (auto* column : {&sampling.begin, &sampling.end})
            column->erase(column->begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_EQ(text(sampledBytes(kernels.view(), sampling.columns())), rows(R"(
        phase    step  layer  read   written  inside  worth  confidence
        prefill  0     0      38000  0        38      38.00  high
        prefill  0     1      20000  0        20      20.00  low
    )"));
}

TEST(SampledBytes, areNoneWithoutSamplesOfMemory) {
    const KernelTable kernels("layer start_us end_us\n 0 0 4000");
    EXPECT_TRUE(sampledBytes(kernels.view(), {}).rows.empty());
    const Sampling none(0, 100, 0, 0);
    EXPECT_TRUE(sampledBytes(kernels.view(), none.columns()).rows.empty());
}

// Whatever overlaps: no byte is given twice, and none is lost while every kernel belongs to a layer.
TEST(SampledBytes, giveEachByteOnce) {
    std::mt19937 random(11);  // NOLINT(bugprone-random-generator-seed): the same kernels each time
    for (int round = 0; round < 40; ++round) {
        std::string table = "phase step layer stream start_us end_us\n";
        std::int64_t last = 0;
        for (int k = 0; k < 60; ++k) {
            const std::int64_t begin = static_cast<std::int64_t>(random() % 3000);
            const std::int64_t end = begin + static_cast<std::int64_t>(random() % 200);
            last = std::max(last, end);
            table += "decode " + std::to_string(random() % 3) + " " + std::to_string(random() % 4) + " " +
                     std::to_string(random() % 2) + " " + std::to_string(begin) + " " + std::to_string(end) +
                     "\n";
        }
        const KernelTable kernels(table);
        const Sampling sampling(40, 100, 1000, 10);
        double read = 0;
        double worth = 0;
        for (const LayerBytes& row : sampledBytes(kernels.view(), sampling.columns()).rows) {
            read += row.read;
            worth += row.samplesWorth;
        }
        std::int64_t busy = 0;  // samples in which anything ran, by going through every microsecond
        for (std::int64_t s = 0; s < 40; ++s) {
            bool any = false;
            const KernelColumnsView view = kernels.view();
            for (std::size_t k = 0; k < view.size(); ++k)
                any = any || (view.duration[k] > 0 && view.begin[k] < (s + 1) * 100'000 &&
                              view.end(k) > s * 100'000);
            busy += any ? 1 : 0;
        }
        EXPECT_NEAR(read, static_cast<double>(busy) * 1000, 1e-6) << round;
        EXPECT_NEAR(worth, static_cast<double>(busy), 1e-9) << round;
    }
}

MeasuredTraffic counted(int step, std::optional<int> layer, int metric, double value, int pass = 0) {
    MeasuredTraffic one;
    one.scope = {.phase = step == 0 ? Phase::Prefill : Phase::Decode, .step = StepIndex{step}};
    if (layer) one.scope.layer = LayerIndex{*layer};
    if (!layer) one.scope.op = Op::Head;
    one.metric = metric;
    one.value = value;
    one.pass = pass;
    return one;
}

TEST(CountedBytes, areThoseOfTheFirstPassAndOfWholeLayers) {
    RunTraffic traffic{
        .metrics = {"dram_read_bytes", "dram_write_bytes", "l2_bytes"}, .rows = {}, .problems = {}};
    traffic.rows = {counted(0, 0, 0, 100),   counted(0, 0, 1, 10),           counted(0, 0, 2, 999),
                    counted(0, 0, 0, 77, 1), counted(0, std::nullopt, 0, 5), counted(0, std::nullopt, 0, 6)};
    traffic.rows.push_back(counted(0, 0, 0, 50));
    traffic.rows.back().scope.op = Op::Mlp;
    traffic.rows.push_back(counted(0, 0, 0, 51));
    traffic.rows.back().sampled = true;
    // Outside all layers, another scope of the same step: counted when the next pass had begun.
    traffic.rows.push_back(counted(0, std::nullopt, 0, 1000, 1));
    traffic.rows.back().scope.op = Op::Sample;
    EXPECT_EQ(text(countedBytes(traffic)), rows(R"(
        phase    step  layer  read  written  inside  worth  confidence
        prefill  0     -      1011  0        0       0.00   high
        prefill  0     0      100   10       0       0.00   high
    )"));
}

// The head was counted by one source only: it is compared with nothing.
TEST(StepBytes, compareTheLayersThatAllSourcesHave) {
    const Snapshot s = SnapshotBuilder()
                           .runs("run\n 1")
                           .costs(R"(
        step  layer  read  written
        0     0      100   20
        0     1      100   0
        0     -      5000  0
        1     0      10    0
    )")
                           .build();
    RunTraffic traffic{.metrics = {"dram_read_bytes"}, .rows = {}, .problems = {}};
    traffic.rows = {counted(0, 0, 0, 130), counted(0, 1, 0, 110)};
    BytesOfSource sampled{.source = "hw_pm", .costVersion = 0, .rows = {}};
    LayerBytes row;
    row.layer = LayerIndex{0};
    row.read = 300;
    row.samplesWorth = 3.9;  // too short a step
    sampled.rows = {row};
    std::vector<BytesOfSource> sources{analyticBytes(s, RunIndex{1}), countedBytes(traffic), sampled};
    const auto table = [](const std::vector<StepBytes>& all) {
        std::string out;
        for (const StepBytes& b : all)
            out += std::string(nameOf(b.phase)) + " " + std::to_string(b.step.value()) + " " + b.source +
                   " " + withDecimals(b.bytes, 0) + "\n";
        return rows(out);
    };
    EXPECT_EQ(table(stepBytesOf(sources)), rows(R"(
        prefill 0 analytic 220
        prefill 0 hw_range 240
        decode 1 analytic 10
    )"));
    EXPECT_TRUE(sourceDisagreements(stepBytesOf(sources)).empty());
    sources[2].rows.front().samplesWorth = 4;
    EXPECT_EQ(table(stepBytesOf(sources)), rows(R"(
        prefill 0 analytic 120
        prefill 0 hw_range 130
        prefill 0 hw_pm 300
        decode 1 analytic 10
    )"));
    const std::vector<Disagreement> gate = sourceDisagreements(stepBytesOf(sources));
    ASSERT_EQ(gate.size(), 1U);
    EXPECT_EQ(gate.front().higher + " over " + gate.front().lower, "hw_pm over analytic");
    EXPECT_DOUBLE_EQ(gate.front().difference(), 1.5);
}

TEST(PhaseBytes, standSideBySide) {
    const Snapshot s = SnapshotBuilder()
                           .runs("run\n 1")
                           .costs(R"(
        step  layer  read  written
        0     0      100   20
        1     0      10    1
        2     0      10    1
    )")
                           .build();
    RunTraffic traffic{.metrics = {"dram_read_bytes"}, .rows = {counted(1, 0, 0, 12)}, .problems = {}};
    const std::vector<BytesOfSource> sources{analyticBytes(s, RunIndex{1}), countedBytes(traffic)};
    std::string out;
    for (const PhaseBytes& p : bytesByPhase(sources))
        out += std::string(nameOf(p.phase)) + " " + p.source + " " + withDecimals(p.read, 0) + " " +
               withDecimals(p.written, 0) + " " + std::to_string(p.steps) + " " +
               std::to_string(p.layerSteps) + " | " + p.origin + "\n";
    EXPECT_EQ(out,
              "prefill analytic 100 20 1 1 | modelled, kernels/cost v1\n"
              "decode analytic 20 2 2 2 | modelled, kernels/cost v1\n"
              "decode hw_range 12 0 1 1 | measured, range counters\n");
}

}  // namespace
}  // namespace fluxscope
