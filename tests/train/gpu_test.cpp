// Training on a GPU: the same first losses as on the CPU, and in bf16 the same losses when it is run again.
#include "engine/train/stages.h"
#include "tests/engine/support.h"
#include "tests/fixture/tiny_model.h"
#include "tests/train/toy.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fluxscope::train {
namespace {

// Longer than a band, so that sparse attention has several.
nlohmann::json planJson(std::int64_t steps, const char* dtype) {
    return {{"seed", 3},
            {"stages", {{{"length", 700}, {"steps", steps}, {"sequences", 4}}}},
            {"learning_rate", 2e-3},
            {"dtype", dtype},
            {"checkpoint_every", 0}};
}

TrainingPlan planFor(nlohmann::json json, bool routers) {
    if (routers) {
        json["tasks"] = {{"near", {{"sparsity", 1.0}}}, {"far", {{"sparsity", 0.0}}}};
        json["routers"] = {{"sparse", "streaming:sink=20,window=128"}, {"pool_size", 8}};
    }
    return planOf(json, "plan.json", ToySource().tasks());
}

std::filesystem::path modelIn(const TempFolder& folder) {
    return writeTinyModel(folder / "model", {.layers = 4,
                                             .hidden = 64,
                                             .heads = 4,
                                             .kvHeads = 2,
                                             .headDim = 32,
                                             .inner = 128,
                                             .context = 1024,
                                             .routers = false,
                                             .type = FixtureType::BF16});
}

std::vector<double> lossesOf(DeviceKind device, const TrainingPlan& plan) {
    const TempFolder folder;
    const TrainingRequest request{.model = modelIn(folder), .work = folder / "work", .device = device};
    const ToySource source;
    std::vector<double> losses;
    const auto keep = [&](const StepReport& report) { losses.push_back(report.loss + report.penalty); };
    if (plan.routers)
        trainRouters(request, source, plan, keep, CancelToken{});
    else
        trainBackbone(request, source, plan, keep, CancelToken{});
    return losses;
}

bool noGpu() {
    try {
        chooseCompute({.device = DeviceKind::Cuda, .dtype = std::nullopt, .router = std::nullopt},
                      cost::DType::F32);
        return false;
    } catch (const MachineError&) {
        return true;
    }
}

TEST(TrainingOnGpu, hasTheCpusLossesInFp32) {
    if (noGpu()) GTEST_SKIP() << "no GPU";
    for (const bool routers : {false, true}) {
        const TrainingPlan plan = planFor(planJson(3, "fp32"), routers);
        const std::vector<double> there = lossesOf(DeviceKind::Cuda, plan);
        const std::vector<double> here = lossesOf(DeviceKind::Cpu, plan);
        ASSERT_EQ(there.size(), 3);
        // A frozen backbone stays in the type that it is stored in: bf16 numbers, the same on both.
        for (std::size_t i = 0; i < there.size(); ++i)
            EXPECT_NEAR(there[i], here[i], 2e-3 * here[i]) << "step " << i << (routers ? ", routers" : "");
    }
}

TEST(TrainingOnGpu, givesTheSameLossesAgainInBf16) {
    if (noGpu()) GTEST_SKIP() << "no GPU";
    for (const bool routers : {false, true}) {
        const TrainingPlan plan = planFor(planJson(12, "bf16"), routers);
        const std::vector<double> first = lossesOf(DeviceKind::Cuda, plan);
        EXPECT_EQ(first, lossesOf(DeviceKind::Cuda, plan)) << (routers ? "routers" : "backbone");
        if (!routers) {
            EXPECT_LT(first.back(), first.front());
        }
    }
}

}  // namespace
}  // namespace fluxscope::train
