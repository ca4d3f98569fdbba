// The whole engine on a GPU against the whole engine on the CPU. Skipped, saying why, where there is no GPU.
#include "engine/engine.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/tiny_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

class EngineOnGpu : public testing::Test {
protected:
    void SetUp() override {
        writeTinyModel(folder_.path());
        try {
            gpu_ = Model::load(folder_.path(), {.device = DeviceKind::Cuda});
        } catch (const MachineError& e) {
            GTEST_SKIP() << e.what();
        }
        cpu_ = Model::load(folder_.path());
    }

    static std::vector<TokenId> randomIds(std::int64_t count) {
        FixtureRandom random(21);
        std::vector<TokenId> ids;
        ids.reserve(static_cast<std::size_t>(count));
        for (std::int64_t i = 0; i < count; ++i) ids.push_back(TokenId::of(random.next() % 765));
        return ids;
    }
    static ForwardResult forward(Model& model, const Policy& policy, std::int32_t chunk) {
        return model.forward({.ids = randomIds(500),
                              .policy = policy,
                              .chunkTokens = chunk,
                              .firstPosition = 0,
                              .endPosition = 500},
                             CancelToken{});
    }
    static float largestRelativeError(const std::vector<float>& a, const std::vector<float>& b) {
        if (a.size() != b.size() || a.empty()) return INFINITY;
        float largest = 0;
        float error = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            largest = std::max(largest, std::abs(b[i]));
            error = std::max(error, std::isnan(a[i]) ? INFINITY : std::abs(a[i] - b[i]));
        }
        return error / largest;
    }

    TempFolder folder_;
    std::unique_ptr<Model> gpu_;
    std::unique_ptr<Model> cpu_;
};

TEST_F(EngineOnGpu, computesWhatTheCpuComputes) {
    EXPECT_EQ(gpu_->deviceName(), "cuda:0");
    EXPECT_EQ(gpu_->dtypeName(), "fp32");
    for (const Policy& policy : {Policy{FullPolicy{}}, Policy{SparsePolicy{}}, Policy{InterleavedPolicy{}}}) {
        const ForwardResult truth = forward(*cpu_, policy, 64);
        for (const std::int32_t chunk : {33, 4096}) {
            const ForwardResult result = forward(*gpu_, policy, chunk);
            EXPECT_LT(largestRelativeError(result.logits, truth.logits), 1e-3F)
                << shortForm(policy) << " chunk " << chunk;
            for (std::size_t l = 0; l < truth.layers.size(); ++l)
                EXPECT_NEAR(fullProbability(*result.layers[l].decision().logits),
                            fullProbability(*truth.layers[l].decision().logits), 1e-3);
        }
    }
}

TEST_F(EngineOnGpu, decodesWhatTheCpuDecodes) {
    for (const Policy& policy : {Policy{FullPolicy{}}, Policy{SparsePolicy{}}, Policy{InterleavedPolicy{}}}) {
        RunRequest request{.prompts = {{.id = "p", .kind = "test", .content = randomIds(300)}},
                           .policy = policy,
                           .maxNew = 100};
        request.stopAtEos = false;
        Observer nobody;
        const TurnResult onGpu = gpu_->run(request, nobody, CancelToken{}).sequences.front().first();
        const TurnResult again = gpu_->run(request, nobody, CancelToken{}).sequences.front().first();
        const TurnResult onCpu = cpu_->run(request, nobody, CancelToken{}).sequences.front().first();
        EXPECT_EQ(onGpu.ids, onCpu.ids) << shortForm(policy);
        EXPECT_EQ(onGpu.ids, again.ids);
        EXPECT_EQ(onGpu.logprobs, again.logprobs) << "the same run twice is the same run";
    }
}

// Nobody asks for scopes inside a step, so steps are recorded and replayed: prompts of different lengths in one batch.
TEST_F(EngineOnGpu, replaysStepsThatNobodyLooksInto) {
    struct Onlooker final : Observer {
        bool eager = true;
        ObserverNeeds needs() const override { return {.opScopes = false}; }
        void runBegan(const RunFacts& facts) override { eager = facts.obeyed.eager; }
    };
    for (const Policy& policy : {Policy{FullPolicy{}}, Policy{SparsePolicy{}}, Policy{InterleavedPolicy{}}}) {
        RunRequest request{.prompts = {}, .policy = policy, .maxNew = 100, .batch = 3};
        for (const std::int64_t tokens : {300, 30, 77})
            request.prompts.push_back(
                {.id = std::to_string(tokens), .kind = "test", .content = randomIds(tokens)});
        request.stopAtEos = false;
        Onlooker replayed;
        Observer nobody;
        const RunResult onGpu = gpu_->run(request, replayed, CancelToken{});
        const RunResult again = gpu_->run(request, replayed, CancelToken{});
        const RunResult onCpu = cpu_->run(request, nobody, CancelToken{});
        EXPECT_FALSE(replayed.eager);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(onGpu.sequences[i].first().ids, onCpu.sequences[i].first().ids) << shortForm(policy);
            EXPECT_EQ(onGpu.sequences[i].first().ids, again.sequences[i].first().ids);
            EXPECT_EQ(onGpu.sequences[i].first().logprobs, again.sequences[i].first().logprobs);
        }
    }
}

TEST_F(EngineOnGpu, computesIn16Bits) {
    const ForwardResult truth = forward(*cpu_, FullPolicy{}, 0);
    for (const cost::DType type : {cost::DType::BF16, cost::DType::F16}) {
        const auto narrow = Model::load(folder_.path(), {.device = DeviceKind::Cuda, .dtype = type});
        EXPECT_LT(largestRelativeError(forward(*narrow, FullPolicy{}, 0).logits, truth.logits), 0.1F)
            << narrow->dtypeName();
    }
}

}  // namespace
}  // namespace fluxscope
