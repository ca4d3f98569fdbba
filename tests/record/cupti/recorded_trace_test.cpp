// Buffers that CUPTI filled on an H200 (sample_data/captures/README.md), through the decoder of a recording.
#include "profiler/record/cupti/detail/replay.h"
#include "tests/record/cupti/fake_cupti.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <tuple>

namespace fluxscope {
namespace {

ReplayedTrace replayed(const std::string& name, Names& names) {
    const std::filesystem::path file =
        std::filesystem::path(FLUXSCOPE_SOURCE_DIR) / "sample_data/captures" / name;
    return replay(loadTrace(file), testing::walkOfWheel(), names);
}

TEST(RecordedOnAnH200, everyEagerKernelHasTheScopeThatLaunchedIt) {
    Names names;
    const ReplayedTrace trace = replayed("h200-eager.cupti", names);
    EXPECT_EQ(trace.quality, TraceQuality{.kernels = 720});
    std::map<int, int> perStep;
    for (const KernelRecord& kernel : trace.records.kernels) {
        ASSERT_TRUE(kernel.scope.place && kernel.scope.place->layer);
        EXPECT_EQ(kernel.scope.by, Attribution::External);
        EXPECT_EQ(kernel.scope.place->op,
                  kernel.scope.place->layer->value() % 2 == 0 ? Op::Attention : Op::Mlp);
        EXPECT_LT(kernel.begin, kernel.end);
        ++perStep[kernel.scope.place->step.value()];
    }
    EXPECT_EQ(perStep.size(), 20U);
    for (const auto& [step, kernels] : perStep) EXPECT_EQ(kernels, 36) << "step " << step;
}

TEST(RecordedOnAnH200, everyKernelOfAGraphHasItsNodesLayerAndItsLaunchsStep) {
    Names names;
    const ReplayedTrace trace = replayed("h200-graph.cupti", names);
    EXPECT_EQ(trace.quality, TraceQuality{.kernels = 9000});
    std::set<std::tuple<int, int, int>> places;
    for (const KernelRecord& kernel : trace.records.kernels) {
        ASSERT_TRUE(kernel.scope.place && kernel.scope.place->layer && kernel.scope.place->op);
        EXPECT_EQ(kernel.scope.by, Attribution::GraphNode);
        places.insert({kernel.scope.place->step.value(), kernel.scope.place->layer->value(),
                       static_cast<int>(*kernel.scope.place->op)});
    }
    EXPECT_EQ(places.size(), 50U * 36U * 5U);
}

}  // namespace
}  // namespace fluxscope
