#include "profiler/analysis/top_kernels.h"

#include "profiler/figure/number.h"
#include "tests/analysis/kernel_builder.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::KernelTable;
using testing::rows;

std::string us(double ns) { return withDecimals(ns / 1000, 1); }
std::string us(Nanoseconds time) { return std::to_string(time.count() / 1000); }
std::string share(const std::optional<double>& value) { return value ? withDecimals(*value, 3) : "-"; }

std::string table(const std::vector<TopKernel>& top) {
    std::string text = "name op layer count us mean median most share\n";
    for (const TopKernel& k : top)
        text += k.name + " " + (k.op ? std::string(nameOf(*k.op)) : "-") + " " +
                (k.layer ? std::to_string(k.layer->value()) : "-") + " " + std::to_string(k.count) + " " +
                us(k.total) + " " + us(k.nanoseconds.mean) + " " + us(k.nanoseconds.median) + " " +
                us(k.nanoseconds.most) + " " + withDecimals(k.share, 3) + "\n";
    return rows(text);
}

const char* const kWorld = R"(
    phase   step  layer  op         name   start_us  end_us
    decode  1     0      attention  flash  0         30
    decode  1     1      attention  flash  40        60
    decode  1     0      mlp        gemm   60        70
    decode  1     1      mlp        gemm   70        90
    decode  1     1      output     gemm   90        95
    -       -     -      -          fill   95        110
    decode  1     1      output     gemm   120       110
)";

TEST(TopKernels, standByTimeWithCountsPercentilesAndShares) {
    const KernelTable kernels(kWorld);
    EXPECT_EQ(table(topKernels(kernels.view(), {})), rows(R"(
        name   op  layer  count  us  mean  median  most  share
        flash  -   -      2      50  25.0  25.0    30.0  0.500
        gemm   -   -      3      35  11.7  10.0    20.0  0.350
        fill   -   -      1      15  15.0  15.0    15.0  0.150
    )"));
}

TEST(TopKernels, areSplitByOpAndLayerAndCutToTheLongest) {
    const KernelTable kernels(kWorld);
    EXPECT_EQ(table(topKernels(kernels.view(), {.op = true}, 3)), rows(R"(
        name   op         layer  count  us  mean  median  most  share
        flash  attention  -      2      50  25.0  25.0    30.0  0.500
        gemm   mlp        -      2      30  15.0  15.0    20.0  0.300
        fill   -          -      1      15  15.0  15.0    15.0  0.150
    )"));
    EXPECT_EQ(topKernels(kernels.view(), {.layer = true}).size(), 5u);
    EXPECT_FALSE(topKernels(kernels.view(), {.op = true})[2].attributed);
}

TEST(TopKernels, areNoneOfNothing) {
    EXPECT_TRUE(topKernels({}, {}).empty());
    EXPECT_TRUE(streamGaps({}).empty());
}

std::string table(const std::vector<StreamGaps>& all) {
    std::string text = "stream phase kernels busy gaps idle launch unknown longest launch_share idle_share\n";
    for (const StreamGaps& g : all)
        text += std::to_string(g.stream) + " " + (g.phase ? std::string(nameOf(*g.phase)) : "-") + " " +
                std::to_string(g.kernels) + " " + us(g.busy) + " " + std::to_string(g.gaps) + " " +
                us(g.idle) + " " + us(g.launchBound) + " " + us(g.unknown) + " " + us(g.longest) + " " +
                share(g.launchBoundShare()) + " " + share(g.idleShare()) + "\n";
    return rows(text);
}

TEST(StreamGaps, areLaunchBoundAsFarAsTheHostWasStillEnqueueing) {
    const KernelTable kernels(R"(
        phase    stream  start_us  end_us  launched_us
        prefill  7       0         100     -
        prefill  7       90        110     5
        decode   7       130       140     125
        decode   7       150       160     20
        decode   7       200       220     -
        decode   9       0         10      -
    )");
    // To 130: launched at 125, 15 of 20 us. To 150: launched long before. To 200: nobody knows.
    EXPECT_EQ(table(streamGaps(kernels.view())), rows(R"(
        stream  phase    kernels  busy  gaps  idle  launch  unknown  longest  launch_share  idle_share
        7       prefill  2        110   0     0     0       0        0        0.000         0.000
        7       decode   3        40    3     70    15      40       40       0.214         0.636
        9       decode   1        10    0     0     0       0        0        0.000         0.000
    )"));
}

TEST(StreamGaps, knowNoLaunchBoundShareWhereNoLaunchIsRecorded) {
    const KernelTable kernels("start_us end_us\n 0 10\n 30 40");
    EXPECT_EQ(streamGaps(kernels.view()).front().launchBoundShare(), std::nullopt);
    EXPECT_DOUBLE_EQ(*streamGaps(kernels.view()).front().idleShare(), 0.5);
}

}  // namespace
}  // namespace fluxscope
