#include "engine/contract/policy.h"

#include "engine/contract/error.h"
#include "tests/fixture/random.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace fluxscope {
namespace {

constexpr std::int32_t kKvHeads = 2;

Policy fromJson(const std::string& json) { return policyFromJson(nlohmann::json::parse(json), "p.json"); }

char digitOf(const Decision& decision) { return decision.attention == Attention::Full ? '1' : '0'; }

// "1 0 10": what a policy makes of each layer when every router says p_full 0.6; a digit for the whole layer, or one a KV head.
std::string decided(const Policy& policy, std::int32_t layers) {
    policy.requireFits(layers, kKvHeads, true);
    std::string text;
    for (std::int32_t layer = 0; layer < layers; ++layer) {
        if (layer > 0) text += ' ';
        for (const Decision& decision :
             policy.decide(LayerIndex(layer), layers, RouterLogits{.sparse = 0, .full = logitOf(0.6)}))
            text += digitOf(decision);
    }
    return text;
}

// Writes a file for one test.
class TempFile {
public:
    TempFile(const std::string& name, const std::string& content)
        : path_((std::filesystem::temp_directory_path() / ("fluxscope-policy-test-" + name)).string()) {
        std::ofstream(path_, std::ios::binary) << content;
    }
    ~TempFile() { std::filesystem::remove(path_); }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

template <class Work>
std::string complaintOf(Work work) {
    try {
        work();
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST(Policy, decidesAsItsShortFormSays) {
    EXPECT_EQ(decided(parsePolicy("full"), 5), "1 1 1 1 1");
    EXPECT_EQ(decided(parsePolicy("sparse"), 5), "0 0 0 0 0");
    EXPECT_EQ(decided(parsePolicy("routed"), 5), "1 1 1 1 1");
    EXPECT_EQ(decided(parsePolicy("routed:0.7"), 5), "0 0 0 0 0");
    EXPECT_EQ(decided(parsePolicy("interleaved:1/3"), 7), "1 0 0 1 0 0 1");
    EXPECT_EQ(decided(parsePolicy("interleaved:0/2"), 4), "0 0 0 0");
    EXPECT_EQ(decided(parsePolicy("first:2"), 5), "1 1 0 0 0");
    EXPECT_EQ(decided(parsePolicy("last:2"), 5), "0 0 0 1 1");
    EXPECT_EQ(decided(parsePolicy("mask:01101"), 5), "0 1 1 0 1");
}

TEST(Policy, withThresholdsOfSingleLayersUsesThem) {
    const Policy policy = fromJson(R"({"kind":"routed","threshold":0.5,"layers":{"1":0.9}})");
    EXPECT_EQ(decided(policy, 3), "1 0 1");
    const Decision decision = policy.decide(LayerIndex(1), 3, RouterLogits{}).front();
    EXPECT_EQ(decision.by, DecidedBy::Router);
    EXPECT_EQ(decision.threshold, 0.9);
}

TEST(Policy, withALowerThresholdMakesTheSameLayersFullAndPerhapsMore) {
    FixtureRandom random(7);
    const auto logit = [&] { return 3 * random.normal(); };
    const auto probability = [&] { return static_cast<double>(random.next() % 10'001) / 10'000; };
    const auto fullLayers = [](double threshold, const std::vector<RouterLogits>& scores) {
        const Policy policy = RoutedPolicy{.threshold = threshold, .layerThresholds = {}};
        std::vector<bool> full;
        for (std::size_t layer = 0; layer < scores.size(); ++layer)
            full.push_back(
                policy.decide(LayerIndex::of(layer), static_cast<std::int32_t>(scores.size()), scores[layer])
                    .front()
                    .attention == Attention::Full);
        return full;
    };
    for (int trial = 0; trial < 2000; ++trial) {
        std::vector<RouterLogits> scores(8);
        for (RouterLogits& score : scores) score = {.sparse = logit(), .full = logit()};
        // One of the thresholds lies on a score, and neighbouring doubles round to one float: neither may break the order.
        double low = trial % 3 == 0 ? fullProbability(scores[0]) : probability();
        double high = trial % 5 == 0 ? std::nextafter(low, 1.0) : probability();
        if (low > high) std::swap(low, high);
        const std::vector<bool> more = fullLayers(low, scores);
        const std::vector<bool> fewer = fullLayers(high, scores);
        for (std::size_t layer = 0; layer < scores.size(); ++layer)
            EXPECT_LE(fewer[layer], more[layer]) << "layer " << layer << ", " << low << " below " << high;
    }
}

TEST(Policy, keepsTheLogitsThatItIgnores) {
    for (const char* text : {"full", "mask:1", "entropy:1"}) {
        const Policy given = parsePolicy(text);
        const Policy policy = given.needsScores() ? given.withScores({1.0}) : given;
        const Decision decision =
            policy.decide(LayerIndex(0), 1, RouterLogits{.sparse = 3, .full = 1}).front();
        EXPECT_EQ(decision.by, DecidedBy::Policy);
        EXPECT_EQ(decision.attention, Attention::Full);
        EXPECT_EQ(decision.logits, (RouterLogits{.sparse = 3, .full = 1}));
        EXPECT_FALSE(decision.threshold);
        EXPECT_FALSE(decision.kvHead);
    }
}

TEST(Policy, ofEntropyRanksLayersByScoreAndOfEqualsTakesTheLower) {
    const Policy asked = parsePolicy("entropy:2");
    EXPECT_TRUE(asked.needsScores());
    const Policy measured = asked.withScores({1.5, 3.0, 1.5, 0.25});
    EXPECT_FALSE(measured.needsScores());
    EXPECT_EQ(decided(measured, 4), "1 1 0 0");
    EXPECT_EQ(decided(parsePolicy("entropy:1").withScores({1.5, 3.0, 1.5, 0.25}), 4), "0 1 0 0");
    EXPECT_EQ(decided(parsePolicy("entropy:3").withScores({1.5, 3.0, 1.5, 0.25}), 4), "1 1 1 0");
    EXPECT_EQ(decided(parsePolicy("entropy:0").withScores({1, 1}), 2), "0 0");
}

TEST(Policy, withItsScoresIsReplayedFromItsJson) {
    const Policy measured = Policy(EntropyPolicy{.count = 2, .eigenvalues = 16}).withScores({1, 3, 2, 0.25});
    const Policy read = policyFromJson(toJson(measured), "test");
    EXPECT_EQ(read, measured);
    EXPECT_EQ(decided(read, 4), "0 1 1 0");
    EXPECT_EQ(std::get<EntropyPolicy>(fromJson(R"({"kind":"entropy","count":2})").kind()).eigenvalues, 64);
}

TEST(Policy, ofHeadsDecidesEachKvHeadAndALayerWhoseHeadsAgreeAsOne) {
    const Policy policy = fromJson(R"({"kind":"heads","layers":["10","11","0","01"]})");
    EXPECT_EQ(decided(policy, 4), "10 1 0 01");
    const std::vector<Decision> first = policy.decide(LayerIndex(0), 4, RouterLogits{});
    ASSERT_EQ(first.size(), 2);
    EXPECT_EQ(first[0].kvHead, KvHeadIndex(0));
    EXPECT_EQ(first[1].kvHead, KvHeadIndex(1));
    EXPECT_EQ(first[1].logits, RouterLogits{});
    EXPECT_FALSE(policy.decide(LayerIndex(1), 4, RouterLogits{}).front().kvHead);
    EXPECT_TRUE(policy.decidesByHead());
    EXPECT_FALSE(fromJson(R"({"kind":"frozen","layers":["1","0"]})").decidesByHead());
    EXPECT_FALSE(parsePolicy("mask:10").decidesByHead());
}

TEST(Policy, ofHeadsReadsThePublishedPattern) {
    const TempFile pattern("a.tsv",
                           "1.000000000000000000e+00\t0.25\n"
                           "-0.5\t0.75\r\n"
                           "0.5\t2\n");
    // 0 0.25 0.5 0.75 1 1: the quantile at 0.5 is 0.625.
    EXPECT_EQ(decided(parsePolicy("heads:" + pattern.path()), 3), "10 01 01");
    // At 0.4 it is 0.5 itself, and what equals it is full.
    EXPECT_EQ(decided(parsePolicy("heads:" + pattern.path() + "@0.4"), 3), "10 01 1");
    EXPECT_EQ(decided(parsePolicy("heads:" + pattern.path() + "@0"), 3), "1 1 1");
    // At 1 the highest is left. Two were clipped to 1: the lower layer's.
    EXPECT_EQ(decided(parsePolicy("heads:" + pattern.path() + "@1"), 3), "10 0 0");
}

TEST(Policy, ofHeadsCarriesThePatternItselfAndWhereItCameFrom) {
    std::string text;
    Policy policy;
    {
        const TempFile pattern("b.tsv", "1\t0\n0\t1\n");
        text = "heads:" + pattern.path() + "@0.25";
        policy = parsePolicy(text);
    }
    EXPECT_EQ(shortForm(policy), text);
    const Policy read = policyFromJson(toJson(policy), "test");
    EXPECT_EQ(read, policy);
    EXPECT_EQ(toJson(read)["source"]["sparsity"], 0.25);
    EXPECT_EQ(shortForm(fromJson(R"({"kind":"heads","layers":["10","00"]})")), "heads:~0");
}

TEST(Policy, ofHeadsSaysWhichLineIsWrong) {
    const auto complaint = [](const std::string& content) {
        const TempFile pattern("c.tsv", content);
        return complaintOf([&] { parsePolicy("heads:" + pattern.path()); });
    };
    EXPECT_NE(complaint("1\t0\n1\n").find("line 2 has 1 numbers and the first has 2"), std::string::npos);
    EXPECT_NE(complaint("1\t0\n1\tx\n").find("line 2 has 'x'"), std::string::npos);
    EXPECT_NE(complaint("1\tnan\n").find("line 1 has 'nan'"), std::string::npos);
    EXPECT_NE(complaint("1 0\n").find("line 1 has '1 0'"), std::string::npos);
    EXPECT_NE(complaint("\n\n").find("has no numbers"), std::string::npos);
    EXPECT_NE(complaint("").find("is empty"), std::string::npos);
}

TEST(Policy, thatIsFrozenKeepsWhereItCameFrom) {
    const char* text =
        R"({"kind":"frozen","layers":"0110","source":{"capture":"runs.fluxdb","prompts":["a","b"],"rule":"majority"}})";
    const TempFile file("frozen.json", text);
    const Policy policy = parsePolicy(file.path());
    EXPECT_EQ(decided(policy, 4), "0 1 1 0");
    EXPECT_EQ(toJson(policy), nlohmann::json::parse(text));
    EXPECT_EQ(shortForm(policy), "frozen:0110");
    EXPECT_FALSE(policy.asksRouter());

    const Policy heads = fromJson(R"({"kind":"frozen","layers":["01","1","11"]})");
    EXPECT_EQ(decided(heads, 3), "01 1 1");
    EXPECT_EQ(policyFromJson(toJson(heads), "test"), heads);
    EXPECT_EQ(shortForm(heads), "frozen:~11");
}

TEST(Policy, survivesItsJsonAndItsShortForm) {
    for (const char* text : {"routed:0.35", "routed:0.123456789", "full", "sparse", "interleaved:2/5",
                             "first:3", "last:1", "mask:0110", "entropy:3"}) {
        const Policy policy = parsePolicy(text);
        EXPECT_EQ(policyFromJson(toJson(policy), "test"), policy) << text;
        EXPECT_EQ(shortForm(policy), text);
    }
    const Policy layered = RoutedPolicy{.threshold = 0.25, .layerThresholds = {{LayerIndex(7), 0.75}}};
    EXPECT_EQ(policyFromJson(toJson(layered), "test"), layered);
    EXPECT_EQ(shortForm(layered), "routed:0.25+1 layers");
}

TEST(Policy, isReadFromAFile) {
    std::string path;
    {
        const TempFile file("first.json", R"({"kind":"first","count":2})");
        path = file.path();
        EXPECT_EQ(parsePolicy(path), Policy(FirstPolicy{2}));
    }
    EXPECT_THROW(parsePolicy(path), InputError);
    EXPECT_THROW(parsePolicy("heads:" + path + ".tsv"), InputError);
}

TEST(Policy, refusesWhatIsNotOne) {
    for (const char* text : {"",
                             "ful",
                             "full:1",
                             "routed:",
                             "routed:1.5",
                             "routed:nan",
                             "interleaved:3/2",
                             "interleaved:1/0",
                             "interleaved:1",
                             "first:-1",
                             "first:",
                             "mask:",
                             "mask:012",
                             "mask",
                             "entropy",
                             "entropy:-1",
                             "entropy:x",
                             "heads:",
                             "heads:@0.5",
                             "heads:a.tsv@1.5",
                             "heads:a.tsv@",
                             "frozen:01"})
        EXPECT_THROW(parsePolicy(text), UsageError) << text;
    for (const char* json : {"[]",
                             "{}",
                             R"({"kind":7})",
                             R"({"kind":"new"})",
                             R"({"kind":"first"})",
                             R"({"kind":"first","count":-1})",
                             R"({"kind":"first","count":1e99})",
                             R"({"kind":"first","count":18446744073709551615})",
                             R"({"kind":"routed","threshold":"x"})",
                             R"({"kind":"routed","layers":{"a":0.1}})",
                             R"({"kind":"mask","layers":[1]})",
                             R"({"kind":"mask","layers":["1"]})",
                             R"({"kind":"entropy"})",
                             R"({"kind":"entropy","count":1,"scores":["a"]})",
                             R"({"kind":"entropy","count":1,"eigenvalues":0})",
                             R"({"kind":"heads","layers":[]})",
                             R"({"kind":"heads","layers":[""]})",
                             R"({"kind":"heads","layers":["1",1]})",
                             R"({"kind":"heads","layers":["1"],"source":{}})",
                             R"({"kind":"heads","layers":["1"],"source":7})",
                             R"({"kind":"frozen","layers":""})",
                             R"({"kind":"frozen","layers":"1","source":{"prompts":[1]}})"})
        EXPECT_THROW(fromJson(json), InputError) << json;
}

TEST(Policy, refusesFieldsThatItDoesNotKnow) {
    for (const char* json :
         {R"({"kind":"full","threshold":1})", R"({"kind":"sparse","x":1})",
          R"({"kind":"routed","treshold":0.4})", R"({"kind":"interleaved","full":1,"of":2,"k":1})",
          R"({"kind":"first","count":1,"full":1})", R"({"kind":"last","count":1,"full":1})",
          R"({"kind":"mask","layers":"1","source":{}})", R"({"kind":"entropy","count":1,"eigenvalue":3})",
          R"({"kind":"heads","layers":["1"],"sparsity":0.5})",
          R"({"kind":"heads","layers":["1"],"source":{"file":"a","sparsity":0.5,"x":1}})",
          R"({"kind":"frozen","layers":"1","capture":"x"})",
          R"({"kind":"frozen","layers":"1","source":{"x":1}})"})
        EXPECT_NE(complaintOf([&] { fromJson(json); }).find("is no field of it"), std::string::npos) << json;
}

TEST(Policy, refusesAModelItDoesNotFit) {
    EXPECT_THROW(parsePolicy("routed").requireFits(4, kKvHeads, false), UsageError);
    const auto misfit = [](const Policy& policy) {
        return complaintOf([&] { policy.requireFits(3, kKvHeads, true); });
    };
    EXPECT_EQ(
        misfit(parsePolicy("mask:11")),
        "policy mask:11: has 2 digits, but the model has 3 layers of 2 KV heads; choose one that fits the "
        "model");
    EXPECT_NE(misfit(parsePolicy("first:4")), "");
    EXPECT_NE(misfit(parsePolicy("last:4")), "");
    EXPECT_NE(misfit(parsePolicy("entropy:4")), "");
    EXPECT_NE(misfit(parsePolicy("entropy:1").withScores({1, 2})), "");
    EXPECT_NE(misfit(RoutedPolicy{.layerThresholds = {{LayerIndex(3), 0.5}}}), "");
    EXPECT_NE(misfit(fromJson(R"({"kind":"heads","layers":["11","11"]})")).find("is for 2 layers"),
              std::string::npos);
    EXPECT_NE(
        misfit(fromJson(R"({"kind":"frozen","layers":["11","111","11"]})")).find("has 3 KV heads in layer 1"),
        std::string::npos);
    EXPECT_EQ(misfit(fromJson(R"({"kind":"heads","layers":["11","1","01"]})")), "");
    EXPECT_EQ(misfit(parsePolicy("first:3")), "");
    EXPECT_NO_THROW(parsePolicy("entropy:3").requireFits(3, 1, false));
}

}  // namespace
}  // namespace fluxscope
