// What a training is told while it goes wrong.
#include "engine/train/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace fluxscope::train {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> after(Watch& watch, int steps, const std::vector<double>& sparsity) {
    std::vector<std::string> all;
    for (int i = 0; i < steps; ++i)
        for (std::string& sentence : watch.look(sparsity)) all.push_back(std::move(sentence));
    return all;
}

TEST(Watch, aTaskThatBecomesAllSparseIsSaidOnceAndOnlyWhereItsTargetLiesBetween) {
    Watch watch({{.name = "prose", .target = 1.0},
                 {.name = "needle", .target = 0.95},
                 {.name = "code", .target = 0.5}},
                10);
    EXPECT_THAT(after(watch, 9, {1, 1, 1}), IsEmpty());
    EXPECT_THAT(
        watch.look({1, 1, 0.99}),
        ElementsAre(
            "task code has become sparse in every layer, and its target is 0.50 sparse",
            "tasks code and prose are routed alike, 1.00 sparse, and their targets are 0.50 and 1.00"));
    EXPECT_THAT(after(watch, 30, {1, 1, 1}), IsEmpty());
}

TEST(Watch, stepsWithoutATaskDoNotCountForIt) {
    Watch watch({{.name = "needle", .target = 0.5}}, 5);
    EXPECT_THAT(after(watch, 20, {kNone}), IsEmpty());
    EXPECT_THAT(after(watch, 4, {0}), IsEmpty());
    EXPECT_THAT(watch.look({0}),
                ElementsAre("task needle has become full in every layer, and its target is 0.50 sparse"));
}

TEST(Watch, tasksThatFindTheirOwnWaysAreNoNews) {
    Watch watch({{.name = "needle", .target = 0.4}, {.name = "prose", .target = 1.0}}, 5);
    EXPECT_THAT(after(watch, 50, {0.45, 0.9}), IsEmpty());
}

TEST(Watch, aTaskWhoseAnswersSufferIsSaidOnce) {
    Watch watch({{.name = "needle", .target = 0.65}, {.name = "prose", .target = 1.0}});
    for (int i = 0; i < 3; ++i) EXPECT_THAT(watch.compare({0.5, 0.60}, {1, 0.61}), IsEmpty());
    EXPECT_THAT(watch.compare({0.5, 0.60}, {1, 0.61}),
                ElementsAre("task needle has 0.50 of its answers' tokens right as it is routed and 1.00 with "
                            "all layers full: its target of 0.65 sparse may be more than the model bears"));
    for (int i = 0; i < 9; ++i) EXPECT_THAT(watch.compare({0.5, 0.60}, {1, 0.61}), IsEmpty());
}

TEST(Watch, answersThatWereBadAndAreGoodNowAreNoNews) {
    Watch watch({{.name = "needle", .target = 0.65}});
    EXPECT_THAT(watch.compare({0.85}, {1}), IsEmpty());
    for (int i = 0; i < 9; ++i) EXPECT_THAT(watch.compare({0.99}, {1}), IsEmpty());
}

}  // namespace
}  // namespace fluxscope::train
