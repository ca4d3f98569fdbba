// A model small enough to run a hundred times in a test, shared by the tests of one file.
#pragma once

#include "engine/engine.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/tiny_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace fluxscope {

inline constexpr TinyModelOptions kSmallModel{.layers = 4,
                                              .hidden = 64,
                                              .heads = 4,
                                              .kvHeads = 2,
                                              .headDim = 16,
                                              .inner = 96,
                                              .context = 256,
                                              .poolSize = 8};
inline constexpr std::int64_t kSmallVocabulary = 768;

class SmallModelTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        const TempFolder folder;
        shared() = Model::load(writeTinyModel(folder.path(), kSmallModel));  // the mapping outlives the files
    }
    static void TearDownTestSuite() { shared().reset(); }
    static Model& model() { return *shared(); }

    static std::vector<TokenId> randomIds(std::int64_t count, std::uint64_t seed = 9) {
        FixtureRandom random(seed);
        std::vector<TokenId> ids;
        ids.reserve(static_cast<std::size_t>(count));
        for (std::int64_t i = 0; i < count; ++i) ids.push_back(TokenId::of(random.next() % 765));
        return ids;
    }
    static Prompt promptOf(PromptContent content, const std::string& id = "p") {
        return {.id = id, .kind = "test", .content = std::move(content)};
    }
    static RunResult run(const RunRequest& request) {
        Observer nobody;
        return model().run(request, nobody, CancelToken{});
    }
    static TurnResult runOne(const RunRequest& request) { return run(request).sequences.front().first(); }

    // Natural log of the probability of `id` in a row of logits.
    static double logprobOf(const float* row, TokenId id) {
        double most = row[0];
        for (std::int64_t i = 1; i < kSmallVocabulary; ++i)
            most = std::max(most, static_cast<double>(row[i]));
        double sum = 0;
        for (std::int64_t i = 0; i < kSmallVocabulary; ++i) sum += std::exp(row[i] - most);
        return row[id.value()] - most - std::log(sum);
    }

private:
    static std::unique_ptr<Model>& shared() {
        static std::unique_ptr<Model> model;
        return model;
    }
};

}  // namespace fluxscope
