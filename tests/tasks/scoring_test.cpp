#include "engine/tasks/scoring.h"

#include "engine/contract/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace fluxscope::tasks {
namespace {

TEST(Scoring, normalisesCaseAndPunctuation) {
    EXPECT_THAT(normalisedWords("The code is: 48-21.\n(Über)"),
                testing::ElementsAre("the", "code", "is", "48", "21", "Über"));
    EXPECT_TRUE(normalisedWords(" .,;\n").empty());
}

TEST(Scoring, exactTakesTheFirstLineThatSaysSomething) {
    EXPECT_EQ(score(Scorer::Exact, "amberFalcon", " AmberFalcon.\nQuestion: more"), 1);
    EXPECT_EQ(score(Scorer::Exact, "4821", "\n\n 4821\n"), 1);
    EXPECT_EQ(score(Scorer::Exact, "4821", "It is 4821"), 0);
    EXPECT_EQ(score(Scorer::Exact, "4821", "no\n4821"), 0);
    EXPECT_EQ(score(Scorer::Exact, "4821", ""), 0);
}

TEST(Scoring, containsTakesWholeWordsInOrder) {
    EXPECT_EQ(score(Scorer::Contains, "4821", "The code is 4821, I think."), 1);
    EXPECT_EQ(score(Scorer::Contains, "821", "The code is 4821."), 0) << "a part of a word";
    EXPECT_EQ(score(Scorer::Contains, "quiet river, 4821", "Quiet River: 4821"), 1);
    EXPECT_EQ(score(Scorer::Contains, "quiet river, 4821", "4821, the quiet river"), 0);
    EXPECT_EQ(score(Scorer::Contains, "", "anything"), 0);
}

TEST(Scoring, allGivesAShare) {
    EXPECT_EQ(score(Scorer::All, "12, 13, 14, 15", "15 and 12, not 3"), 0.5);
    EXPECT_EQ(score(Scorer::All, "amber-falcon, red-fox", "red fox; amber falcon"), 1);
    EXPECT_EQ(score(Scorer::All, "", "anything"), 0);
}

TEST(Scoring, numericReadsTheFirstNumber) {
    EXPECT_EQ(score(Scorer::Numeric, "4", " 4.\nQuestion 5"), 1);
    EXPECT_EQ(score(Scorer::Numeric, "4", "the result is 4.0"), 1);
    EXPECT_EQ(score(Scorer::Numeric, "-3", "it is -3"), 1);
    EXPECT_EQ(score(Scorer::Numeric, "3", "x-3"), 1) << "a hyphen is no minus";
    EXPECT_EQ(score(Scorer::Numeric, "4", "14"), 0);
    EXPECT_EQ(score(Scorer::Numeric, "1000", "1,000"), 0) << "no separators of thousands";
    EXPECT_EQ(score(Scorer::Numeric, "4", "none"), 0);
}

TEST(Scoring, likelihoodIsOneOverPerplexity) {
    const std::array<float, 2> logprobs = {std::log(0.5F), std::log(0.125F)};
    EXPECT_NEAR(likelihood(logprobs), 0.25, 1e-6);
    EXPECT_EQ(likelihood({}), 0);
    EXPECT_THROW(score(Scorer::Likelihood, "a", "a"), FaultError);
}

TEST(Scoring, namesAreThereAndBackAgain) {
    for (const Scorer scorer :
         {Scorer::None, Scorer::Exact, Scorer::Contains, Scorer::All, Scorer::Numeric, Scorer::Likelihood})
        EXPECT_EQ(scorerFrom(nameOf(scorer), "set.jsonl"), scorer);
    try {
        scorerFrom("fuzzy", "set.jsonl:3");
        FAIL();
    } catch (const InputError& error) {
        EXPECT_STREQ(
            error.what(),
            "set.jsonl:3: scorer is 'fuzzy'; it is one of exact, contains, all, numeric and likelihood");
    }
}

}  // namespace
}  // namespace fluxscope::tasks
