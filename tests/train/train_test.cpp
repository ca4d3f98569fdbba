// Training learns: a smoke test of seconds. And its parts: what a batch is made of, schedules, what stops a training.
#include "engine/checkpoint/json_file.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/train/outputs.h"
#include "engine/train/stages.h"
#include "engine/train/trainer.h"
#include "tests/engine/support.h"
#include "tests/fixture/safetensors_writer.h"
#include "tests/fixture/tiny_model.h"
#include "tests/train/toy.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <cmath>
#include <csignal>

namespace fluxscope::train {
namespace {

TrainingPlan toyPlan(const nlohmann::json& changes = nlohmann::json::object()) {
    nlohmann::json json = {{"seed", 3},
                           {"stages",
                            {{{"length", 16}, {"steps", 60}, {"sequences", 8}},
                             {{"length", 32}, {"steps", 40}, {"sequences", 8}}}},
                           {"learning_rate", 5e-3},
                           {"warm_up", 5},
                           {"weight_decay", 0.05},
                           {"checkpoint_every", 0}};
    json.update(changes);
    return planOf(json, "plan.json", ToySource().tasks());
}

nlohmann::json routerChanges(double near, double far) {
    return {{"stages", {{{"length", 32}, {"steps", 120}, {"sequences", 8}}}},
            {"tasks", {{"near", {{"sparsity", near}}}, {"far", {{"sparsity", far}}}}},
            {"routers",
             {{"sparse", "streaming:sink=2,window=4"},
              {"pool_size", 8},
              {"temperature", {{"first", 1.0}, {"last", 0.4}}},
              {"multiplier_rate", 0.05}}}};
}

std::vector<StepReport> reportsOf(Trainer& trainer) {
    std::vector<StepReport> reports;
    while (!trainer.finished()) reports.push_back(trainer.step());
    return reports;
}

double meanSparsity(const std::vector<StepReport>& reports, std::size_t task) {
    double sum = 0;
    for (std::size_t i = reports.size() - 20; i < reports.size(); ++i) sum += reports[i].sparsityByTask[task];
    return sum / 20;
}

TEST(Training, aBackboneFromScratchLearnsAndItsRoutersThenKeepEachTasksTarget) {
    const ModelConfig config = toyConfig();
    const ToySource source;
    Weights weights = newBackbone(config, 7, at::kCPU);
    {
        Trainer backbone(config, weights, source, toyPlan());
        const std::vector<StepReport> reports = reportsOf(backbone);
        EXPECT_NEAR(reports.front().loss, std::log(32.0), 0.3);
        EXPECT_LT(reports.back().loss, 0.5);
        EXPECT_EQ(reports[59].length, 16);
        EXPECT_EQ(reports[60].length, 32);
    }
    weights.routers = newRouters(config, 8, at::kCPU);
    const Parameters frozen = backboneParameters(config, weights);
    const std::string before = contentHash(frozen);
    Trainer routers(config, weights, source, toyPlan(routerChanges(1.0, 0.0)));
    const std::vector<StepReport> reports = reportsOf(routers);
    EXPECT_GT(meanSparsity(reports, 0), 0.85) << "near, target 1";
    EXPECT_LT(meanSparsity(reports, 1), 0.15) << "far, target 0";
    EXPECT_LT(reports.back().loss, 1.0) << "the loss, after the routers have learned";
    EXPECT_NEAR(reports.back().temperature, 0.4, 0.01);
    EXPECT_EQ(contentHash(frozen), before);
}

TEST(Training, theSamePlanGivesTheSameLossesAgain) {
    const ModelConfig config = toyConfig();
    const ToySource source;
    std::vector<double> losses[2];
    for (std::vector<double>& run : losses) {
        const Weights weights = newBackbone(config, 7, at::kCPU);
        Trainer trainer(config, weights, source,
                        toyPlan({{"stages", {{{"length", 16}, {"steps", 5}, {"sequences", 4}}}}}));
        for (const StepReport& report : reportsOf(trainer)) run.push_back(report.loss);
    }
    EXPECT_EQ(losses[0], losses[1]);
}

TEST(Training, aLossThatIsNoNumberStopsItAndTheLastCheckpointIsIntact) {
    const ModelConfig config = toyConfig();
    const ToySource source;
    const TempFolder folder;
    const Weights weights = newBackbone(config, 7, at::kCPU);
    Trainer trainer(config, weights, source, toyPlan());
    trainer.step();
    trainer.save(folder / "training.safetensors");
    const Parameters parameters = backboneParameters(config, weights);
    const std::string saved = contentHash(parameters);
    weights.embedding.detach().fill_(std::nanf(""));
    EXPECT_EQ(complaintOf<InputError>([&] { trainer.step(); }),
              "training: step 1 has a loss or a gradient that is no finite number; go on from the last "
              "checkpoint with a "
              "lower learning_rate, and look at the data of this step");
    trainer.resume(folder / "training.safetensors");
    EXPECT_EQ(contentHash(parameters), saved);
}

TEST(Training, aFullDiskIsSaidAndLeavesTheLastCheckpoint) {
    const TempFolder folder;
    const std::filesystem::path file = folder / "training.safetensors";
    saveWhole(file, "the one before");
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit little{.rlim_cur = 4096, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
    const std::string complaint =
        complaintOf<MachineError>([&] { saveWhole(file, std::string(100'000, 'x')); });
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(complaint, file.string() +
                             ": cannot be written (File too large); free some space there; what was written "
                             "before is intact");
    EXPECT_EQ(readWholeFile(file, 100), "the one before");
    EXPECT_FALSE(std::filesystem::exists(file.string() + ".writing"));
}

TEST(Training, aCheckpointOfAnotherPlanIsRefused) {
    const ModelConfig config = toyConfig();
    const ToySource source;
    const TempFolder folder;
    const Weights weights = newBackbone(config, 7, at::kCPU);
    Trainer(config, weights, source, toyPlan()).save(folder / "t.safetensors");
    Trainer other(config, weights, source, toyPlan({{"learning_rate", 1e-4}}));
    EXPECT_EQ(
        complaintOf<InputError>([&] { other.resume(folder / "t.safetensors"); }),
        (folder / "t.safetensors").string() +
            ": __metadata__.state.plan is of another plan, or of other data, than this training's; resume "
            "with what it was begun with, or start in a new folder");
}

// The routers of a stage go where the engine reads them: beside the model, and in one checkpoint with it.
TEST(Training, routersComeOutAsAFileBesideTheModelAndAsAPawFolderAndBothLoad) {
    const TempFolder folder;
    const TinyModelOptions options{.layers = 2,
                                   .hidden = 32,
                                   .heads = 2,
                                   .kvHeads = 1,
                                   .headDim = 16,
                                   .inner = 32,
                                   .context = 256,
                                   .routers = false,
                                   .type = FixtureType::BF16};
    const auto model = writeTinyModel(folder / "model", options);
    const ToySource source;
    nlohmann::json changes = routerChanges(1, 0);
    changes["stages"] = {{{"length", 16}, {"steps", 2}, {"sequences", 2}}};
    changes["routers"]["sparse"] = "streaming:sink=128,window=256,granularity=block";
    const TrainingPlan plan = toyPlan(changes);
    const RouterStageResult result =
        trainRouters({.model = model, .work = folder / "work"}, source, plan, {}, CancelToken{});
    EXPECT_EQ(result.backboneBefore, result.backboneAfter);
    const Checkpoint beside = openCheckpoint(model, result.file);
    ASSERT_TRUE(beside.router.has_value());
    EXPECT_EQ(beside.router->poolSize, 8);
    EXPECT_EQ(shortForm(*beside.router->sparse), shortForm(plan.routers->sparse));

    Weights weights;
    weights.routers = newRouters(beside.config, 1, at::kCPU);
    writePawFolder(folder / "paw", model, routerParameters(weights), *plan.routers);
    const Checkpoint merged = openCheckpoint(folder / "paw");
    EXPECT_EQ(merged.config.architecture, "PawQwen3ForCausalLM");
    ASSERT_TRUE(merged.router.has_value());
    EXPECT_EQ(merged.router->poolSize, 8);
    EXPECT_EQ(shortForm(*merged.router->sparse), shortForm(plan.routers->sparse));
    EXPECT_EQ(Model::load(folder / "paw")->facts().routerParameters, beside.facts.routerParameters);
}

TEST(Batch, ofDifferentLengthsCountsEveryWeightedTokenOnceAndPoolsBothEnds) {
    const Sample one{.ids = {TokenId(1), TokenId(2), TokenId(3)}, .weights = {9, 1, 3}, .promptTokens = 2};
    const Sample two{.ids = {TokenId(4), TokenId(5)}, .weights = {0, 2}};
    const Batch tokens = batchOf({one, two}, {0, 1}, 4, 8, 3, LossMean::Tokens, at::kCPU);
    EXPECT_EQ(tokens.rows, (std::vector<std::int64_t>{0, 1, 4}));
    EXPECT_EQ(tokens.targets, (std::vector<std::int64_t>{2, 3, 5}));
    EXPECT_EQ(tokens.coefficients, (std::vector<float>{1.0F / 6, 3.0F / 6, 2.0F / 6}));
    const Batch tasks = batchOf({one, two}, {0, 1}, 4, 8, 3, LossMean::Tasks, at::kCPU);
    EXPECT_EQ(tasks.coefficients, (std::vector<float>{0.125F, 0.375F, 0.5F}));
    const float* const pool = tasks.pool.const_data_ptr<float>();
    EXPECT_EQ(std::vector<float>(pool, pool + 8), (std::vector<float>{0.5F, 0.5F, 0, 0, 0.5F, 0.5F, 0, 0}));
}

TEST(Batch, aTaskIsDealtItsShareToWithinOne) {
    Dealer dealer({3, 1, 0});
    std::vector<int> counts(3);
    for (int i = 1; i <= 40; ++i) {
        ++counts[static_cast<std::size_t>(dealer.next())];
        EXPECT_NEAR(counts[0], 0.75 * i, 1) << i;
    }
    EXPECT_EQ(counts, (std::vector<int>{30, 10, 0}));
}

TEST(Schedule, warmsUpThenFallsToItsFloor) {
    const Schedule schedule{.peak = 1, .warmUp = 4, .floor = 0.1};
    EXPECT_DOUBLE_EQ(schedule.at(0, 13), 0.25);
    EXPECT_DOUBLE_EQ(schedule.at(3, 13), 1);
    EXPECT_DOUBLE_EQ(schedule.at(4, 13), 1);
    EXPECT_DOUBLE_EQ(schedule.at(8, 13), 0.55);
    EXPECT_DOUBLE_EQ(schedule.at(12, 13), 0.1);
}

TEST(Plan, aFieldThatNobodyKnowsIsRefused) {
    EXPECT_EQ(complaintOf<InputError>([] { toyPlan({{"learning_rte", 1}}); }),
              "plan.json: learning_rte is no field of a training plan; docs/training.md lists the fields");
    EXPECT_EQ(complaintOf<InputError>([] { toyPlan({{"tasks", {{"middle", nlohmann::json::object()}}}}); }),
              "plan.json: tasks.middle is no task of the training data; docs/training.md lists the fields");
}

}  // namespace
}  // namespace fluxscope::train
