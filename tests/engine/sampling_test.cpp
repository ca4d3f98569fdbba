#include "engine/contract/error.h"
#include "engine/sampling/sampler.h"
#include "engine/sampling/stop_strings.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace fluxscope {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;

std::vector<float> randomLogits(std::size_t count, std::uint64_t seed) {
    FixtureRandom random(seed);
    std::vector<float> logits(count);
    for (float& logit : logits) logit = static_cast<float>(random.next() % 20'000) / 1'000.0F - 10.0F;
    return logits;
}

std::vector<std::int32_t> idsOf(const std::vector<Candidate>& candidates) {
    std::vector<std::int32_t> ids;
    for (const Candidate& candidate : candidates) ids.push_back(candidate.id.value());
    std::sort(ids.begin(), ids.end());
    return ids;
}

SamplingPlace step(std::int64_t n) { return {SequenceIndex{}, TurnIndex{}, StepIndex::of(n)}; }

TEST(Sampler, withoutATemperatureTakesTheMostProbable) {
    const std::vector<float> logits = {0.5F, 3.0F, -1.0F, 3.0F};
    const TokenChoice choice = Sampler({}, 7).choose(logits, {}, step(0));
    EXPECT_EQ(choice.id, TokenId(1)) << "the first of equals";
    EXPECT_THAT(choice.logprob, FloatNear(std::log(1 / (2 + std::exp(-2.5) + std::exp(-4))), 1e-6F));
}

TEST(Sampler, saysTheMostProbableTokensAndTheRest) {
    const std::vector<float> logits = randomLogits(1000, 3);
    const TokenChoice choice = Sampler({}, 0).given(logits, TokenId(5));
    std::vector<std::pair<float, int>> sorted;
    double sum = 0;
    for (int i = 0; i < 1000; ++i) {
        sorted.emplace_back(-logits[static_cast<std::size_t>(i)], i);
        sum += std::exp(static_cast<double>(logits[static_cast<std::size_t>(i)]));
    }
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(choice.top.size(), kTopChances);
    double mass = 0;
    for (std::size_t i = 0; i < kTopChances; ++i) {
        EXPECT_EQ(choice.top[i].id, TokenId(sorted[i].second)) << i;
        EXPECT_NEAR(choice.top[i].logprob, -sorted[i].first - std::log(sum), 1e-5);
        mass += std::exp(-static_cast<double>(sorted[i].first)) / sum;
    }
    EXPECT_THAT(choice.tailMass, DoubleNear(1 - mass, 1e-9));
    EXPECT_EQ(Sampler({}, 0).given({{1.0F, 2.0F}}, TokenId(0)).tailMass, 0);
}

TEST(Sampler, keepsWhatEachStepKeeps) {
    const std::vector<float> logits = {std::log(0.5F), std::log(0.25F), std::log(0.15F), std::log(0.1F)};
    const auto kept = [&](SamplingOptions options) {
        options.temperature = 1;
        return idsOf(Sampler(options, 0).candidates(logits, {}));
    };
    EXPECT_THAT(kept({}), ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(kept({.topK = 2}), ElementsAre(0, 1));
    EXPECT_THAT(kept({.topK = 9}), ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(kept({.topP = 0.4}), ElementsAre(0)) << "never nothing";
    EXPECT_THAT(kept({.topP = 0.6}), ElementsAre(0, 1));
    EXPECT_THAT(kept({.minP = 0.29}), ElementsAre(0, 1, 2));
    EXPECT_THAT(kept({.minP = 1}), ElementsAre(0));
    EXPECT_THAT(kept({.topK = 3, .topP = 0.8}), ElementsAre(0, 1)) << "top-p of what top-k kept";
}

TEST(Sampler, penalizesWhatWasSaidOnce) {
    const std::vector<float> logits = {4.0F, -1.0F, 3.0F};
    const std::vector<TokenId> said = {TokenId(0), TokenId(1), TokenId(0)};
    const Sampler sampler({.temperature = 1, .repetitionPenalty = 2}, 0);
    std::map<int, double> probability;
    for (const Candidate& c : sampler.candidates(logits, said)) probability[c.id.value()] = c.probability;
    EXPECT_NEAR(std::log(probability[2] / probability[0]), 3.0 - 2.0, 1e-6);
    EXPECT_NEAR(std::log(probability[0] / probability[1]), 2.0 + 2.0, 1e-6);
    EXPECT_EQ(Sampler({.repetitionPenalty = 2}, 0).choose(logits, said, step(0)).id, TokenId(2))
        << "greedily too";
}

TEST(Sampler, drawsAsOftenAsProbable) {
    const std::vector<float> logits = {1.0F, 0.0F, 2.0F, -1.0F, 0.5F};
    const Sampler sampler({.temperature = 0.8}, 42);
    constexpr int kDraws = 40'000;
    std::map<int, int> drawn;
    for (int n = 0; n < kDraws; ++n) ++drawn[sampler.choose(logits, {}, step(n)).id.value()];
    double chiSquare = 0;
    for (const Candidate& c : sampler.candidates(logits, {})) {
        const double expected = c.probability * kDraws;
        chiSquare += std::pow(drawn[c.id.value()] - expected, 2) / expected;
    }
    EXPECT_LT(chiSquare, 18.5) << "4 degrees of freedom: above that once in a thousand seeds";
}

TEST(Sampler, aDrawDependsOnSeedAndPlaceAlone) {
    const std::vector<float> logits = randomLogits(500, 9);
    const auto drawn = [&](std::uint64_t seed, std::int64_t sequence, std::int64_t turn) {
        std::vector<std::int32_t> ids;
        const Sampler sampler({.temperature = 2}, seed);
        for (int n = 0; n < 20; ++n)
            ids.push_back(
                sampler
                    .choose(logits, {}, {SequenceIndex::of(sequence), TurnIndex::of(turn), StepIndex::of(n)})
                    .id.value());
        return ids;
    };
    EXPECT_EQ(drawn(1, 0, 0), drawn(1, 0, 0));
    EXPECT_NE(drawn(1, 0, 0), drawn(2, 0, 0));
    EXPECT_NE(drawn(1, 0, 0), drawn(1, 1, 0));
    EXPECT_NE(drawn(1, 0, 0), drawn(1, 0, 1));
}

TEST(Sampler, numbersThatAreNoneAreTold) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    const Sampler sampler({.temperature = 1, .topP = 0.5}, 0);
    for (const std::vector<float>& logits :
         {std::vector<float>{1, nan, 2}, {nan, nan}, {1, inf}, {-inf, -inf}})
        EXPECT_TRUE(std::isnan(sampler.choose(logits, {}, step(0)).logprob)) << logits[0];
    EXPECT_EQ(sampler.choose({{-inf, 1.0F, -inf}}, {}, step(0)).id, TokenId(1));
}

TEST(SamplingOptions, areReadAsTransformersReadsThem) {
    const auto read = [](const char* json) {
        return samplingOfGenerationConfig(nlohmann::json::parse(json), "generation_config.json");
    };
    EXPECT_EQ(read(R"({"temperature": 0.6, "top_p": 0.9})"), SamplingOptions{}) << "without do_sample greedy";
    EXPECT_EQ(read(R"({"do_sample": true})"), (SamplingOptions{.temperature = 1, .topK = 50}));
    EXPECT_EQ(read(R"({"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.1,
                       "repetition_penalty": 1.1, "eos_token_id": [1, 2]})"),
              (SamplingOptions{
                  .temperature = 0.6, .topK = 20, .topP = 0.95, .minP = 0.1, .repetitionPenalty = 1.1}));
    EXPECT_THAT(complaintOf<InputError>([&] { read(R"({"do_sample": true, "top_p": 7})"); }),
                HasSubstr("generation_config.json: top-p is 7.0; give a probability above 0"));
    EXPECT_THAT(complaintOf<InputError>([&] { read(R"({"do_sample": 1})"); }),
                HasSubstr("do_sample is not true or false"));
    EXPECT_THAT(complaintOf<InputError>([&] { read(R"({"do_sample": true, "top_k": 1.5})"); }),
                HasSubstr("top_k is 1.5"));
    EXPECT_THAT(complaintOf<InputError>([&] { read("[]"); }), HasSubstr("is not a JSON object"));
}

TEST(SamplingOptions, comeBackFromJson) {
    const SamplingOptions options{.temperature = 0.7,
                                  .topK = 40,
                                  .topP = 0.9,
                                  .minP = 0.05,
                                  .repetitionPenalty = 1.2,
                                  .stop = {"\n\n", "User:"}};
    EXPECT_EQ(samplingFromJson(toJson(options), "capture"), options);
    EXPECT_THAT(complaintOf<UsageError>([] { requireUsable({.temperature = -1}); }),
                HasSubstr("--temperature: is -1.0"));
    EXPECT_THAT(complaintOf<UsageError>([] { requireUsable({.temperature = std::nan("")}); }),
                HasSubstr("--temperature"));
    EXPECT_THAT(complaintOf<UsageError>([] { requireUsable({.stop = {""}}); }),
                HasSubstr("--stop: is an empty text"));
}

std::string said(std::vector<std::string> stops, const std::vector<std::string>& tokens) {
    StopStrings stop(std::move(stops));
    std::string text;
    for (const std::string& token : tokens) {
        if (stop.matched()) return text + "|stopped";
        text += stop.append(token);
    }
    return text + stop.finish() + (stop.matched() ? "|stopped" : "");
}

TEST(StopStrings, cutWhereOneBegins) {
    EXPECT_EQ(said({"END"}, {"one ", "two END three"}), "one two |stopped");
    EXPECT_EQ(said({"END"}, {"one E", "N", "D three", "four"}), "one |stopped");
    EXPECT_EQ(said({"END"}, {"one E", "N", "Ding"}), "one |stopped");
    EXPECT_EQ(said({"END"}, {"one EN", "tire"}), "one ENtire");
    EXPECT_EQ(said({"END"}, {"one EN"}), "one EN") << "held back for nothing";
    EXPECT_EQ(said({"aab"}, {"a", "a", "a", "b"}), "a|stopped");
    EXPECT_EQ(said({"xyz", "yz", "b"}, {"x", "y", "q", "ab"}), "xyqa|stopped");
    EXPECT_EQ(said({"abcd", "bc"}, {"ab", "c"}), "a|stopped");
    EXPECT_EQ(said({}, {"a", "b"}), "ab");
}

TEST(StopStrings, neverSayWhatMayBecomeOne) {
    StopStrings stop({"<|end|>"});
    EXPECT_EQ(stop.append("text <|"), "text ");
    EXPECT_EQ(stop.append("en"), "");
    EXPECT_EQ(stop.append("try"), "<|entry");
    EXPECT_EQ(stop.append("<|end|> more"), "");
    EXPECT_TRUE(stop.matched());
    EXPECT_EQ(stop.append("and more"), "");
    EXPECT_EQ(stop.finish(), "");
}

}  // namespace
}  // namespace fluxscope
