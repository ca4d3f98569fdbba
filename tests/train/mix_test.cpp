// Mixtures: what of them is read, what is refused, and that samples are what a trainer may rely on.
#include "engine/train/mix_source.h"
#include "engine/train/plan.h"
#include "tests/engine/support.h"
#include "tests/fixture/tiny_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

namespace fluxscope::train {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr TokenId kEnd{kTinyEndOfText};

class MixTest : public ::testing::Test {
protected:
    MixTest() {
        writeTinyTokenizer(folder_.path());
        tokenizer_.emplace(Tokenizer::load(folder_ / "tokenizer.json"));
    }
    MixSource source(const json& mix) { return {mixOf(mix, "mix.json", folder_.path()), *tokenizer_, kEnd}; }
    void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
    // What the tokens of a sample say that weigh `weight`.
    std::string saying(const Sample& sample, float weight) const {
        std::string text;
        for (std::size_t i = 0; i < sample.ids.size(); ++i)
            if (sample.weights[i] == weight && sample.ids[i] != kEnd)
                text += tokenizer_->bytesOf(sample.ids[i]);
        return text;
    }
    std::string complaint(const json& mix) {
        return complaintOf<InputError>([&] { source(mix); });
    }

    TempFolder folder_;
    std::optional<Tokenizer> tokenizer_;
};

TEST_F(MixTest, everyTaskOfOursGivesSamplesThatFitAndAreTheSameAgain) {
    json mix;
    for (const tasks::TaskInfo& task : tasks::allTasks())
        mix[std::string(task.name)] = {{"task", std::string(task.name)}, {"form", "prompt"}};
    const MixSource both = source(mix);
    for (std::size_t task = 0; task < both.tasks().size(); ++task)
        for (const std::int64_t length : {1024, 2048}) {
            const auto at = static_cast<std::int32_t>(task);
            const Sample sample = both.draw(at, length, 7);
            EXPECT_LE(std::ssize(sample.ids), length) << both.tasks()[task];
            EXPECT_GE(std::ssize(sample.ids), length * 9 / 10) << both.tasks()[task];
            EXPECT_EQ(sample.weights.size(), sample.ids.size());
            EXPECT_EQ(sample.ids, both.draw(at, length, 7).ids) << both.tasks()[task];
            EXPECT_NE(sample.ids, both.draw(at, length, 8).ids) << both.tasks()[task];
        }
}

TEST_F(MixTest, anAnswerWeighsFromTheSpaceBeforeItToTheLinesEndAndAllElseIsText) {
    const MixSource needle = source(
        {{"needle", {{"task", "needle:facts=2,queries=2"}, {"answer_weight", 5}, {"text_weight", 0.5}}}});
    const Sample sample = needle.draw(0, 400, 3);
    EXPECT_THAT(saying(sample, 5), ::testing::MatchesRegex(" [0-9]{4}\n [0-9]{4}\n"));
    EXPECT_THAT(saying(sample, 0.5), HasSubstr("Answer:Question:"));
    EXPECT_EQ(sample.promptTokens, 0) << "a router sees all of it";
    EXPECT_EQ(sample.ids.back(), kEnd);
}

TEST_F(MixTest, inPromptFormTheRouterSeesWhatIsAskedAndNotTheAnswer) {
    const MixSource needle = source({{"needle", {{"task", "needle:queries=4"}, {"form", "prompt"}}}});
    const Sample sample = needle.draw(0, 700, 3);
    Sample prompt = sample;
    prompt.ids.resize(static_cast<std::size_t>(sample.promptTokens));
    EXPECT_THAT(tokenizer_->decode(prompt.ids), ::testing::EndsWith("\nAnswer:"));
    EXPECT_THAT(saying(sample, 6), ::testing::MatchesRegex(" [0-9]{4}\n")) << "one question is asked";
}

TEST_F(MixTest, aTaskMayBeAnotherOneAtShorterLengths) {
    const MixSource mix = source({{"either", {{"task", "prose"}, {"up_to", {{"300", "needle"}}}}}});
    EXPECT_THAT(tokenizer_->decode(mix.draw(0, 300, 1).ids), HasSubstr("Answer: "));
    EXPECT_THAT(tokenizer_->decode(mix.draw(0, 301, 1).ids), ::testing::Not(HasSubstr("Answer: ")));
}

TEST_F(MixTest, promptSetsGiveTheirPromptsThatFitAndFoldersStretchesOfTheirText) {
    write("set.jsonl", R"({"id":"a","kind":"k","split":"tune","text":"What is one and one?","answer":"2"})"
                       "\n"
                       R"({"id":"b","kind":"k","split":"test","text":"Never seen","answer":"x"})"
                       "\n"
                       R"({"id":"c","kind":"k","split":"tune","text":")" +
                           std::string(400, 'z') + R"("})" + "\n");
    std::filesystem::create_directory(folder_ / "texts");
    write("texts/a.txt", "one line\nand another\n");
    write("texts/binary", std::string("\0\1\2", 3));
    const MixSource mix =
        source({{"asked", {{"prompts", "set.jsonl"}, {"split", "tune"}}}, {"texts", {{"folder", "texts"}}}});
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Sample asked = mix.draw(0, 30, seed);
        EXPECT_EQ(saying(asked, 6), " 2\n") << "only this one fits and is of the split";
        EXPECT_EQ(saying(asked, 1), "What is one and one?");
        const std::string text = tokenizer_->decode(mix.draw(1, 100, seed).ids);
        EXPECT_TRUE(text == "one line\nand another\n" || text == "and another\n") << text;
        EXPECT_EQ(mix.draw(1, 3, seed).ids.size(), 3U);
    }
    EXPECT_THAT(mix.fingerprint(), HasSubstr("texts: 21 bytes"));
}

TEST_F(MixTest, whatCannotBeMixedIsRefusedInOneSentence) {
    const char* const see = "; docs/training.md lists the fields, under Data";
    EXPECT_EQ(complaint({{"a", {{"tsk", "needle"}}}}),
              std::string("mix.json: a.task or prompts or folder must be there, and one of them only") + see);
    EXPECT_EQ(complaint({{"a", {{"task", "needle"}, {"wight", 1}}}}),
              std::string("mix.json: a.wight is no field of such a part of a mixture") + see);
    EXPECT_EQ(complaint({{"a", {{"task", "needle"}, {"up_to", {{"many", "needle"}}}}}}),
              std::string("mix.json: a.up_to has 'many', which is no length in tokens") + see);
    EXPECT_THAT(complaintOf<UsageError>([&] { source({{"a", {{"task", "nedle"}}}}); }),
                HasSubstr("mix.json: a.task: 'nedle' is not a task"));
    EXPECT_EQ(complaint(json::object()),
              "mix.json: names nothing to learn from; name at least one part, such as a task");
    std::filesystem::create_directory(folder_ / "empty");
    EXPECT_THAT(complaint({{"a", {{"folder", "empty"}}}}), HasSubstr("has no file with text in it"));
    write("chat.jsonl", R"({"id":"a","kind":"k","messages":[{"role":"user","content":"x"}]})");
    EXPECT_THAT(complaint({{"a", {{"prompts", "chat.jsonl"}}}}), HasSubstr("a is no plain text"));
    const MixSource needle = source({{"needle", {{"task", "needle:facts=40"}}}});
    EXPECT_THAT(complaintOf<UsageError>([&] { needle.draw(0, 100, 1); }), HasSubstr("needle"));
}

TEST_F(MixTest, aTokenizerReadsEveryPartToTheSameShare) {
    std::map<bool, std::int64_t> bytes;
    readTextOf(mixOf({{"few-shot", {{"task", "few-shot"}}}, {"code", {{"task", "code"}}}}, "mix.json", ""),
               100'000, 1,
               [&](std::string_view text) { bytes[text.find("->") != text.npos] += std::ssize(text); });
    EXPECT_EQ(bytes.size(), 2U);
    EXPECT_NEAR(static_cast<double>(bytes[true]), 50'000, 4'200) << "the last text of a part is cut";
    EXPECT_EQ(bytes[true] + bytes[false], 100'000);
}

// What tools/train_sample trains on, drawn with the tokenizer that ships: a stage that a task does not fit into would stop it halfway.
TEST(SampleRecipe, everyTaskOfEveryStageGivesSamples) {
    const std::filesystem::path data = std::filesystem::path(FLUXSCOPE_SOURCE_DIR) / "sample_data";
    const Tokenizer tokenizer = Tokenizer::load(data / "model" / "tokenizer.json");
    const std::vector<std::pair<std::string, std::string>> stages = {
        {"backbone_1", "mix_1"}, {"backbone_2", "mix_2"}, {"backbone_3", "mix_3"}, {"routers", "router_mix"}};
    for (const auto& [planName, mixName] : stages) {
        const MixSource source(readMix(data / "recipe" / (mixName + ".json")), tokenizer, TokenId(1983));
        const TrainingPlan plan = readPlan(data / "recipe" / (planName + ".json"), source.tasks());
        std::set<std::int64_t> lengths;
        for (const Stage& stage : plan.stages) lengths.insert(stage.length);
        for (const std::int64_t length : lengths)
            for (std::size_t task = 0; task < source.tasks().size(); ++task)
                EXPECT_LE(std::ssize(source.draw(static_cast<std::int32_t>(task), length, 1).ids), length)
                    << planName << ' ' << source.tasks()[task];
    }
}

}  // namespace
}  // namespace fluxscope::train
