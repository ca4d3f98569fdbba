#include "engine/contract/policy.h"

#include "engine/contract/error.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace fluxscope {
namespace {

// "1011": which of the layers a policy makes full when every router says p_full 0.6.
std::string layersOf(const Policy& policy, std::int32_t layers) {
    policy.requireFits(layers, true);
    std::string text;
    for (std::int32_t layer = 0; layer < layers; ++layer) {
        const Decision decision =
            policy.decide(LayerIndex(layer), layers, RouterLogits{.sparse = 0, .full = logitOf(0.6)});
        text += decision.attention == Attention::Full ? '1' : '0';
    }
    return text;
}

TEST(Policy, decidesAsItsShortFormSays) {
    EXPECT_EQ(layersOf(parsePolicy("full"), 5), "11111");
    EXPECT_EQ(layersOf(parsePolicy("sparse"), 5), "00000");
    EXPECT_EQ(layersOf(parsePolicy("routed"), 5), "11111");
    EXPECT_EQ(layersOf(parsePolicy("routed:0.7"), 5), "00000");
    EXPECT_EQ(layersOf(parsePolicy("interleaved:1/3"), 7), "1001001");
    EXPECT_EQ(layersOf(parsePolicy("interleaved:0/2"), 4), "0000");
    EXPECT_EQ(layersOf(parsePolicy("first:2"), 5), "11000");
    EXPECT_EQ(layersOf(parsePolicy("last:2"), 5), "00011");
    EXPECT_EQ(layersOf(parsePolicy("mask:01101"), 5), "01101");
}

TEST(Policy, withThresholdsOfSingleLayersUsesThem) {
    const Policy policy = policyFromJson(
        nlohmann::json::parse(R"({"kind":"routed","threshold":0.5,"layers":{"1":0.9}})"), "test");
    EXPECT_EQ(layersOf(policy, 3), "101");
    const Decision decision = policy.decide(LayerIndex(1), 3, RouterLogits{});
    EXPECT_EQ(decision.by, DecidedBy::Router);
    EXPECT_EQ(decision.threshold, 0.9);
}

TEST(Policy, keepsTheLogitsThatItIgnores) {
    const Decision decision =
        parsePolicy("full").decide(LayerIndex(0), 1, RouterLogits{.sparse = 3, .full = 1});
    EXPECT_EQ(decision.by, DecidedBy::Policy);
    EXPECT_EQ(decision.attention, Attention::Full);
    EXPECT_EQ(decision.logits, (RouterLogits{.sparse = 3, .full = 1}));
    EXPECT_FALSE(decision.threshold);
}

TEST(Policy, survivesItsJsonAndItsShortForm) {
    for (const char* text :
         {"routed:0.35", "full", "sparse", "interleaved:2/5", "first:3", "last:1", "mask:0110"}) {
        const Policy policy = parsePolicy(text);
        EXPECT_EQ(policyFromJson(toJson(policy), "test"), policy) << text;
        EXPECT_EQ(shortForm(policy), text);
    }
    const Policy layered = RoutedPolicy{.threshold = 0.25, .layerThresholds = {{LayerIndex(7), 0.75}}};
    EXPECT_EQ(policyFromJson(toJson(layered), "test"), layered);
    EXPECT_EQ(shortForm(layered), "routed:0.25+1 layers");
}

TEST(Policy, isReadFromAFile) {
    const auto file = std::filesystem::temp_directory_path() / "fluxscope-policy-test.json";
    std::ofstream(file) << R"({"kind":"first","count":2})";
    EXPECT_EQ(parsePolicy(file.string()), Policy(FirstPolicy{2}));
    std::filesystem::remove(file);
    EXPECT_THROW(parsePolicy(file.string()), InputError);
}

TEST(Policy, refusesWhatIsNotOne) {
    for (const char* text : {"", "ful", "full:1", "routed:", "routed:1.5", "routed:nan", "interleaved:3/2",
                             "interleaved:1/0", "interleaved:1", "first:-1", "first:", "mask:", "mask:012"})
        EXPECT_THROW(parsePolicy(text), UsageError) << text;
    for (const char* json :
         {"[]", "{}", R"({"kind":"first"})", R"({"kind":"first","count":-1})",
          R"({"kind":"first","count":1e99})", R"({"kind":"routed","threshold":"x"})",
          R"({"kind":"routed","layers":{"a":0.1}})", R"({"kind":"mask","layers":[1]})", R"({"kind":7})"})
        EXPECT_THROW(policyFromJson(nlohmann::json::parse(json), "p.json"), Error) << json;
}

TEST(Policy, refusesAModelItDoesNotFit) {
    EXPECT_THROW(parsePolicy("routed").requireFits(4, false), UsageError);
    EXPECT_THROW(parsePolicy("mask:11").requireFits(3, true), UsageError);
    EXPECT_THROW(parsePolicy("first:4").requireFits(3, true), UsageError);
    EXPECT_THROW(Policy(RoutedPolicy{.layerThresholds = {{LayerIndex(3), 0.5}}}).requireFits(3, true),
                 UsageError);
    EXPECT_NO_THROW(parsePolicy("first:3").requireFits(3, false));
}

}  // namespace
}  // namespace fluxscope
