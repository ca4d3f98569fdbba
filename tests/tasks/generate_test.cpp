// Every task: its length, that it is the same again, that another seed is another text, and that its text suffices to answer.
#include "engine/contract/error.h"
#include "engine/tasks/random.h"
#include "tests/tasks/counters.h"
#include "tests/tasks/golden.h"
#include "tests/tasks/solver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace fluxscope::tasks {
namespace {

constexpr std::array kCounters = {bytesOf, wordsOf, piecesOf};

std::string textOf(const TaskSample& sample, TextForm form) {
    return form == TextForm::Prompt ? promptText(sample) : trainingText(sample).text;
}

double solved(const TaskSample& sample, std::string_view task) {
    return score(sample.scorer, sample.questions.at(0).answer, solve(task, promptText(sample)));
}

// A task with one parameter at each end of its range, or at each of its words.
std::vector<TaskSpec> extremes(const TaskInfo& info) {
    std::vector<TaskSpec> specs;
    for (const Parameter& parameter : info.parameters) {
        std::vector<double> values = {parameter.least, parameter.most};
        if (parameter.kind == ParameterKind::Place) values.push_back(kAnyPlace);
        if (parameter.kind == ParameterKind::Choice) {
            values.clear();
            for (std::size_t i = 0; i < parameter.words.size() && !parameter.words.at(i).empty(); ++i)
                values.push_back(double(i));
        }
        for (const double value : values) {
            specs.push_back(specOf(info.name, 16384));
            specs.back().parameters.set(parameter.name, value, "test");
        }
    }
    return specs;
}

TEST(Generate, keepsTheLengthWithinOnePercentAndNeverAbove) {
    for (const TaskInfo& info : allTasks())
        for (const auto& count : kCounters)
            for (const std::int64_t length : {800, 2048, 8192})
                for (const TextForm form : {TextForm::Prompt, TextForm::Training}) {
                    const TaskSample sample = generate(specOf(info.name, length, 3, form), calibrated(count));
                    const std::int64_t tokens = count(textOf(sample, form));
                    EXPECT_LE(tokens, length) << info.name;
                    EXPECT_GE(double(tokens), 0.99 * double(length)) << info.name;
                }
}

TEST(Generate, keepsTheLengthOfShortTextsToo) {
    for (const std::string_view task :
         {"needle:facts=1", "two-hop:chains=1", "arithmetic", "listops", "few-shot:classes=4", "density",
          "code:nesting=1", "prose", "ruler:niah_single_2", "ruler:qa_1"})
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            const std::int64_t tokens =
                piecesOf(promptText(generate(specOf(task, 256, seed), calibrated(piecesOf))));
            EXPECT_TRUE(tokens >= 254 && tokens <= 256) << task << " with seed " << seed << " has " << tokens;
        }
}

TEST(Generate, needsFewCountsForALength) {
    for (const TaskInfo& info : allTasks()) {
        int counts = 0;
        const auto counting = [&counts](std::string_view text) {
            ++counts;
            return piecesOf(text);
        };
        const TokenCounter counter{.count = counting, .bytesPerToken = calibrated(piecesOf).bytesPerToken};
        for (std::int64_t number = 0; number < 10; ++number) {
            TaskSpec spec = specOf(info.name, 2048);
            spec.number = number;
            generate(spec, counter);
        }
        EXPECT_LE(counts, 40) << info.name << ": texts counted for ten samples";
    }
}

TEST(Generate, aSolverThatReadsOnlyTheTextIsAlwaysRight) {
    for (const TaskInfo& info : allTasks()) {
        if (info.scorer == Scorer::Likelihood) continue;
        double sum = 0;
        constexpr std::int64_t kSamples = 25;
        for (std::int64_t number = 0; number < kSamples; ++number) {
            TaskSpec spec = specOf(info.name, number % 2 == 0 ? 900 : 3000);
            spec.number = number;
            const TaskSample sample = generate(spec, calibrated(piecesOf));
            sum += solved(sample, info.name);
        }
        EXPECT_EQ(sum, double(kSamples)) << info.name;
    }
}

TEST(Generate, holdsAtEveryEndOfEveryParameter) {
    for (const TaskInfo& info : allTasks())
        for (TaskSpec& spec : extremes(info)) {
            if (shortForm(spec).find("shots=1000") != std::string::npos) spec.length = 65536;
            const TaskSample sample = generate(spec, calibrated(piecesOf));
            const std::int64_t tokens = piecesOf(promptText(sample));
            EXPECT_TRUE(tokens <= spec.length && tokens * 100 >= spec.length * 99)
                << shortForm(spec) << " has " << tokens << " tokens of " << spec.length;
            if (info.scorer != Scorer::Likelihood) {
                EXPECT_EQ(solved(sample, info.name), 1) << shortForm(spec);
            }
            const TaskSpec again = parseTask(shortForm(spec), "test");
            EXPECT_EQ(shortForm(again), shortForm(spec));
        }
}

TEST(Generate, isTheSameAgainAndAnotherWithAnotherSeedOrNumber) {
    for (const TaskInfo& info : allTasks()) {
        const TokenCounter counter = calibrated(piecesOf);
        std::set<std::string> texts;
        for (std::uint64_t seed = 0; seed < 3; ++seed)
            for (std::int64_t number = 0; number < 3; ++number) {
                TaskSpec spec = specOf(info.name, 1024, seed);
                spec.number = number;
                const std::string text = promptText(generate(spec, counter));
                EXPECT_EQ(promptText(generate(spec, counter)), text) << info.name;
                texts.insert(text);
            }
        EXPECT_EQ(texts.size(), 9U) << info.name;
    }
}

TEST(Generate, aSeedGivesWhatItAlwaysGave) {
    for (const TaskInfo& info : allTasks()) {
        const TaskSample prompt = generate(specOf(info.name, 1024, 11), calibrated(piecesOf));
        const TaskSample training =
            generate(specOf(info.name, 1024, 11, TextForm::Training), calibrated(piecesOf));
        const std::uint64_t hash = Random::hashOf(promptText(prompt) + trainingText(training).text);
        const auto expected = kGoldenHashes.find(info.name);
        EXPECT_TRUE(expected != kGoldenHashes.end() && expected->second == hash)
            << "{\"" << info.name << "\", 0x" << std::hex << hash << "U},";
    }
}

TEST(Generate, evidenceHoldsTheAnswer) {
    for (const std::string_view task :
         {"needle", "density", "code", "few-shot", "two-hop", "ruler:niah_single_3", "ruler:niah_multivalue",
          "ruler:niah_multiquery", "ruler:vt", "ruler:qa_1", "ruler:qa_2"})
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            const TaskSample sample =
                generate(specOf(task, 1024, seed, TextForm::Training), calibrated(piecesOf));
            for (const Question& question : sample.questions) {
                std::string evidence;
                for (const ByteRange& range : question.evidence) {
                    ASSERT_TRUE(0 <= range.begin && range.begin < range.end &&
                                range.end <= bytesOf(sample.document))
                        << task;
                    evidence += sample.document.substr(static_cast<std::size_t>(range.begin),
                                                       static_cast<std::size_t>(range.end - range.begin)) +
                                "\n";
                }
                EXPECT_EQ(score(Scorer::All, question.answer, evidence), 1)
                    << task << ": " << question.answer << " in " << evidence;
            }
        }
}

TEST(Generate, depthMovesTheFact) {
    for (const std::string_view task :
         {"needle", "density", "code", "arithmetic", "ruler:niah_single_2", "ruler:qa_1"}) {
        std::vector<std::int64_t> places;
        for (const char* depth : {"0", "0.5", "1"}) {
            TaskSpec spec = specOf(task, 4096);
            spec.parameters.set("depth", depth, "test");
            const TaskSample sample = generate(spec, calibrated(piecesOf));
            places.push_back(sample.questions.at(0).evidence.at(0).begin * 100 / bytesOf(sample.document));
        }
        EXPECT_LT(places[0], 20) << task;
        EXPECT_TRUE(places[1] > 25 && places[1] < 75) << task << " at " << places[1] << " %";
        EXPECT_GT(places[2], 70) << task;
    }
}

TEST(Generate, trainingTextsSayWhereTheAnswersStand) {
    const TaskSample sample =
        generate(specOf("needle:facts=12,queries=16", 768, 1, TextForm::Training), calibrated(piecesOf));
    const TrainingText training = trainingText(sample);
    ASSERT_EQ(training.answers.size(), 16U);
    std::set<std::string> asked;
    for (std::size_t i = 0; i < 16; ++i) {
        const auto begin = static_cast<std::size_t>(training.answers[i].begin);
        const auto end = static_cast<std::size_t>(training.answers[i].end);
        EXPECT_EQ(training.text.substr(begin, end - begin), " " + sample.questions[i].answer + "\n");
        EXPECT_EQ(training.text.substr(begin - 7, 7), "Answer:");
        EXPECT_EQ(solve("needle", training.text.substr(0, begin)), sample.questions[i].answer);
        asked.insert(sample.questions[i].text);
    }
    EXPECT_EQ(asked.size(), 12U) << "every fact is asked for before one is asked for again";
}

TEST(Generate, proseGoesOnAndNeverRepeatsItself) {
    const TaskSample prompt = generate(specOf("prose", 512), calibrated(piecesOf));
    EXPECT_GT(prompt.questions.at(0).answer.size(), 40U);
    EXPECT_EQ(prompt.scorer, Scorer::Likelihood);

    const TaskSample text = generate(specOf("prose", 60'000, 1, TextForm::Training), calibrated(piecesOf));
    EXPECT_TRUE(text.questions.empty());
    std::map<std::string_view, int> sentences;
    std::string_view rest = text.document;
    for (std::size_t at = rest.find('.'); at != std::string_view::npos; at = rest.find('.')) {
        ++sentences[rest.substr(0, at)];
        rest = rest.substr(at + 1);
    }
    int once = 0;
    for (const auto& [sentence, times] : sentences) once += times == 1 ? 1 : 0;
    EXPECT_GT(double(once), 0.85 * double(sentences.size())) << sentences.size() << " different sentences";
}

TEST(Generate, whatDoesNotFitIsRefusedWithWhatItTakes) {
    try {
        generate(specOf("needle:facts=64", 128), calibrated(piecesOf));
        FAIL() << "64 facts in 128 tokens";
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), testing::MatchesRegex(
                                      "needle:facts=64: length is 128 tokens, but what has to be said takes "
                                      "[0-9]{3,4}; ask for a longer one, or for less in it"));
    }
    EXPECT_THROW(generate(specOf("prose", 0), calibrated(piecesOf)), UsageError);
}

TEST(Generate, namesItsSamples) {
    TaskSpec spec = specOf("ruler:vt,hops=2", 700);
    spec.number = 4;
    const TaskSample sample = generate(spec, calibrated(piecesOf));
    EXPECT_EQ(sample.id, "ruler:vt,hops=2@700-4");
    const SampleName name = sampleName(sample.id);
    EXPECT_EQ(name.kind, "ruler:vt,hops=2");
    EXPECT_EQ(name.length, 700);
    EXPECT_EQ(name.number, 4);
    for (const char* other : {"prompt-3", "a@b-1", "a@1", "a@-1", ""}) {
        EXPECT_EQ(sampleName(other).kind, other);
        EXPECT_EQ(sampleName(other).length, 0) << other;
    }
}

}  // namespace
}  // namespace fluxscope::tasks
