// What stops a training, and that it then goes on from its last checkpoint as if nothing had been.
#include "engine/train/training.h"
#include "tests/engine/support.h"
#include "tests/fixture/tiny_tokenizer.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace fluxscope::train {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::int64_t kSteps = 6;

// Hears of each step before the next one begins: what it throws comes from the midst of a training, as what a device throws does.
class Witness : public Observer {
public:
    explicit Witness(std::function<void(std::int64_t)> then = {}) : then_(std::move(then)) {}

    void trainingStepped(const TrainingStep& step) override {
        losses[step.step] = step.loss;
        if (then_) then_(step.step);
    }
    void trainingEnded(RunOutcome how, const std::string& why) override {
        outcome = how;
        reason = why;
    }

    std::map<std::int64_t, double> losses;
    std::optional<RunOutcome> outcome;
    std::string reason;

private:
    std::function<void(std::int64_t)> then_;
};

class StopTest : public ::testing::Test {
protected:
    StopTest() {
        std::filesystem::create_directory(folder_ / "small");
        writeTinyTokenizer(folder_ / "small");
        write("small/config.json", {{"architectures", {"Qwen3ForCausalLM"}},
                                    {"model_type", "qwen3"},
                                    {"hidden_size", 32},
                                    {"intermediate_size", 48},
                                    {"num_hidden_layers", 2},
                                    {"num_attention_heads", 2},
                                    {"num_key_value_heads", 1},
                                    {"head_dim", 16},
                                    {"vocab_size", kTinyVocabulary},
                                    {"max_position_embeddings", 512},
                                    {"rms_norm_eps", 1e-6},
                                    {"rope_theta", 10000.0},
                                    {"hidden_act", "silu"},
                                    {"tie_word_embeddings", true},
                                    {"eos_token_id", kTinyEndOfText},
                                    {"torch_dtype", "float32"}});
        write("mix.json", {{"prose", {{"task", "prose"}, {"form", "prompt"}}}});
        write("plan.json", {{"stages", {{{"length", 200}, {"steps", kSteps}, {"sequences", 2}}}},
                            {"learning_rate", 3e-3},
                            {"checkpoint_every", 2}});
    }
    void write(const std::string& name, const json& content) { std::ofstream(folder_ / name) << content; }
    void train(const std::string& work, Observer& observer) {
        carryOut({.kind = TrainingKind::Backbone,
                  .model = folder_ / "small",
                  .plan = folder_ / "plan.json",
                  .data = folder_ / "mix.json",
                  .work = folder_ / work},
                 observer, {});
    }

    TempFolder folder_;
};

TEST_F(StopTest, aLostGpuStopsInOneSentenceAndTheTrainingGoesOnFromItsCheckpoint) {
    Witness whole;
    train("whole", whole);
    ASSERT_EQ(std::ssize(whole.losses), kSteps);

    Witness lost([](std::int64_t step) {
        if (step == 3)
            TORCH_CHECK(false,
                        "CUDA error: GPU is lost\nCUDA kernel errors might be asynchronously reported");
    });
    const std::string said = complaintOf<MachineError>([&] { train("work", lost); });
    EXPECT_THAT(said, AllOf(HasSubstr("the GPU: failed or was lost (CUDA error: GPU is lost)"),
                            HasSubstr("the same command goes on from the last checkpoint")));
    EXPECT_EQ(lost.outcome, RunOutcome::Failed);
    EXPECT_EQ(lost.reason, said);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "work" / "training.safetensors"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "work" / "model.safetensors"));

    Witness rest;
    train("work", rest);
    EXPECT_EQ(rest.outcome, RunOutcome::Finished);
    EXPECT_GE(rest.losses.begin()->first, 2) << "from a checkpoint, not from the beginning";
    for (const auto& [step, loss] : rest.losses) EXPECT_EQ(loss, whole.losses.at(step)) << "step " << step;
}

TEST_F(StopTest, whatLibTorchThrowsOtherwiseIsAFaultAndMemoryThatEndsIsNot) {
    Witness fault([](std::int64_t) { TORCH_CHECK(false, "shapes do not fit"); });
    EXPECT_THAT(complaintOf<FaultError>([&] { train("fault", fault); }),
                HasSubstr("failed in LibTorch (shapes do not fit)"));
    Witness full([](std::int64_t) {
        throw c10::OutOfMemoryError({"allocate", __FILE__, static_cast<std::uint32_t>(__LINE__)},
                                    "CUDA out of memory");
    });
    EXPECT_THAT(complaintOf<MachineError>([&] { train("full", full); }),
                AllOf(HasSubstr("plan.json"), HasSubstr("take more memory than the GPU has left")));
}

}  // namespace
}  // namespace fluxscope::train
