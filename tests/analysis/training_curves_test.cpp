#include "profiler/analysis/training_curves.h"

#include "tests/analysis/training_builder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

namespace fluxscope {
namespace {

using testing::TrainingBuilder;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string text(double value) {
    if (std::isnan(value)) return "-";
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.4g", value);
    return digits;
}
std::string text(const Curve& curve) {
    std::string all;
    for (const double value : curve) all += (all.empty() ? "" : " ") + text(value);
    return all;
}
std::string text(const std::vector<CurveColumn>& columns) {
    std::string all;
    for (const CurveColumn& c : columns)
        all += (all.empty() ? "" : " | ") + text(c.low) + " " + text(c.high) + " " + text(c.mean);
    return all;
}
std::string text(const std::vector<TrainingParts>& trainings) {
    std::string all;
    for (const TrainingParts& parts : trainings) {
        all += all.empty() ? "" : " | ";
        for (const TrainingIndex row : parts.rows)
            all += (row == parts.first() ? "" : "+") + std::to_string(row.value());
    }
    return all;
}
std::string numbers(const std::vector<std::int64_t>& list) {
    std::string all;
    for (const std::int64_t n : list) all += (all.empty() ? "" : " ") + std::to_string(n);
    return all;
}

TEST(JoinedTrainings, areThoseThatWentOnFromAStepOfTheOneBefore) {
    TrainingBuilder builder;
    builder.training({.firstStep = 0, .steps = 100}, 40);    // 1: killed at 40
    builder.training({.firstStep = 30, .steps = 100}, 70);   // 2: goes on from 30
    builder.training({.firstStep = 0, .steps = 100}, 20);    // 3: begins anew
    builder.training({.firstStep = 20, .steps = 100}, 100);  // 4: right behind the end of 3
    EXPECT_EQ(text(joinedTrainings(builder.build())), "1+2 | 3+4");
}

TEST(JoinedTrainings, areOfOneKindModelPlanAndData) {
    TrainingBuilder builder;
    builder.training({.firstStep = 0, .steps = 100}, 40);
    builder.training({.kind = TrainingKind::Backbone, .firstStep = 10, .steps = 100}, 20);
    builder.training({.firstStep = 10, .steps = 100, .model = "/models/other"}, 20);
    builder.training({.firstStep = 10, .steps = 200}, 20);
    builder.plan("{\"seed\": 2}").training({.firstStep = 10, .steps = 100}, 20);
    builder.plan("{\"seed\": 1}").data("other").training({.firstStep = 10, .steps = 100}, 20);
    EXPECT_EQ(text(joinedTrainings(builder.build())), "1 | 2 | 3 | 4 | 5 | 6");
}

TEST(JoinedTrainings, doNotGoOnFromAStepThatTheFormerNeverReached) {
    TrainingBuilder builder;
    builder.training({.firstStep = 0, .steps = 100}, 40);
    builder.training({.firstStep = 41, .steps = 100}, 60);
    EXPECT_EQ(text(joinedTrainings(builder.build())), "1 | 2");
}

TEST(TrainingCurves, haveTheLaterNumbersOfStepsThatWereDoneAgain) {
    TrainingBuilder builder;
    builder.training({.firstStep = 0, .steps = 9}, 0).losses({9, 8, 7, 6}).warns(1, "early").warns(3, "lost");
    builder.training({.firstStep = 2, .steps = 9}, 2).losses({5, 4, 3}).warns(3, "again").ends("cancelled");
    const Snapshot snapshot = builder.build();
    const TrainingCurves curves = trainingCurves(snapshot, joinedTrainings(snapshot).front());
    EXPECT_EQ(numbers(curves.steps), "0 1 2 3 4");
    EXPECT_EQ(text(curves.loss), "9 8 5 4 3");
    EXPECT_EQ(numbers(curves.resumedAt), "2");
    EXPECT_EQ(curves.outcome, "cancelled");
    std::string warnings;
    for (const TrainingWarningRow& w : curves.warnings) warnings += std::to_string(w.step) + w.text + " ";
    EXPECT_EQ(warnings, "1early 3again ");
}

TEST(TrainingCurves, haveNoValueWhereATaskHadNoPromptAndALayerWasNotTold) {
    TrainingBuilder builder;
    builder.training({.steps = 9, .layers = 2}, 0).losses({3, 2});
    builder.task(0, 1, 0.5, 0.25).layer(1, 1, 0.75);
    const Snapshot snapshot = builder.build();
    const TrainingCurves curves = trainingCurves(snapshot, joinedTrainings(snapshot).front());
    ASSERT_EQ(curves.tasks.size(), 5U);
    EXPECT_EQ(text(curves.tasks[1].loss), "0.5 -");
    EXPECT_EQ(text(curves.tasks[1].sparsity), "0.25 -");
    EXPECT_EQ(text(curves.tasks[0].loss), "- -");
    EXPECT_EQ(text(static_cast<double>(curves.fullAt(1, 1))), "0.75");
    EXPECT_TRUE(std::isnan(curves.fullAt(0, 0)));
}

TEST(TrainingCurves, ofABackboneHaveNoLayers) {
    TrainingBuilder builder;
    builder.training({.kind = TrainingKind::Backbone, .steps = 4}, 4);
    const Snapshot snapshot = builder.build();
    const TrainingCurves curves = trainingCurves(snapshot, joinedTrainings(snapshot).front());
    EXPECT_EQ(curves.layers, 0);
    EXPECT_EQ(text(curves.temperature), "- - - -");
    EXPECT_EQ(curves.steps.size(), 4U);
}

TEST(TrainingCurves, knowTheStepNearestToAPlace) {
    TrainingCurves curves;
    curves.steps = {2, 3, 10};
    std::string found;
    for (const double at : {-5.0, 2.4, 2.6, 6.0, 7.0, 99.0})
        found += std::to_string(curves.steps[curves.nearest(at)]) + " ";
    EXPECT_EQ(found, "2 2 3 3 10 10 ");
}

TEST(ThinnedCurve, keepsTheLeastTheMostAndTheMeanOfEachPart) {
    const std::vector<std::int64_t> steps{0, 1, 2, 3, 4, 5, 7};
    const Curve curve{1, 9, 2, kNan, 4, 4, 8};
    EXPECT_EQ(text(thinned(steps, curve, 0, 8, 4)), "1 9 5 | 2 2 2 | 4 4 4 | 8 8 8");
    EXPECT_EQ(text(thinned(steps, curve, 0, 8, 2)), "1 9 4 | 4 8 5.333");
    EXPECT_EQ(text(thinned(steps, curve, 3, 7, 2)), "4 4 4 | 4 4 4") << "step 3 has no value";
    EXPECT_EQ(text(thinned(steps, curve, 6, 7, 1)), "- - -");
}

TEST(ThinnedCurve, losesNoSpikeOfAMillionSteps) {
    std::vector<std::int64_t> steps(1'000'000);
    Curve curve(steps.size(), 1);
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = static_cast<std::int64_t>(i);
    curve[654'321] = 1000;
    const auto columns = thinned(steps, curve, 0, 1e6, 500);
    EXPECT_EQ(columns[327].high, 1000);
    EXPECT_EQ(columns[327].low, 1);
    EXPECT_EQ(columns[326].high, 1);
    EXPECT_EQ(columns[328].high, 1);
}

TEST(ThinnedCurve, leavesOutWhatIsNoFiniteNumber) {
    const double infinity = std::numeric_limits<double>::infinity();
    EXPECT_EQ(text(thinned({0, 1, 2}, {infinity, 3, -infinity}, 0, 3, 1)), "3 3 3");
    EXPECT_EQ(text(thinned({0}, {1}, 0, 0, 1)), "- - -");
}

TEST(ThinnedCurve, givesEachStepItsColumnWhereThereAreAsMany) {
    for (std::size_t count : {7U, 400U, 997U}) {
        std::vector<std::int64_t> steps(count);
        Curve curve(count);
        for (std::size_t i = 0; i < count; ++i) {
            steps[i] = static_cast<std::int64_t>(i) + 13;
            curve[i] = static_cast<double>(i);
        }
        const auto columns = thinned(steps, curve, 13, 13 + static_cast<double>(count), count);
        for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(columns[i].mean, curve[i]) << i << " of " << count;
    }
}

TEST(ThinnedLayers, areMeansOverTheSteps) {
    TrainingBuilder builder;
    builder.training({.steps = 9, .layers = 2}, 0).losses({3, 2, 1});
    builder.layer(0, 0, 0.25).layer(1, 0, 0.75).layer(2, 0, 1).layer(2, 1, 0.5);
    const Snapshot snapshot = builder.build();
    const TrainingCurves curves = trainingCurves(snapshot, joinedTrainings(snapshot).front());
    std::string found;
    for (const float full : thinnedLayers(curves, 0, 4, 2)) found += text(static_cast<double>(full)) + " ";
    EXPECT_EQ(found, "0.5 - 1 0.5 ") << "columns of layers";
}

TEST(SmoothedCurve, startsAtTheFirstValueAndForgetsByTheDistanceOfSteps) {
    EXPECT_EQ(text(smoothed({0, 1, 2}, {5, 5, 5}, 3)), "5 5 5");
    // exp(-1) = 0.3679 of the first is left a window later.
    EXPECT_EQ(text(smoothed({0, 4}, {1, 0}, 4)), "1 0.2689");
    EXPECT_EQ(text(smoothed({0, 2, 4}, {1, kNan, 0}, 4)), "1 - 0.2689") << "what has no value stays so";
    EXPECT_EQ(text(smoothed({0, 1}, {1, 3}, 0)), "1 3");
}

}  // namespace
}  // namespace fluxscope
