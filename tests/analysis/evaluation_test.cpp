#include "profiler/analysis/evaluation.h"

#include "tests/analysis/snapshot_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

namespace fluxscope {
namespace {

using testing::rows;
using testing::SnapshotBuilder;

// Two policies, one task, three questions of seed 7 in batches of two.
EvaluationPlan planOf(std::vector<Policy> policies, std::string scorer = "contains") {
    EvaluationPlan plan{
        .modelHash = "0123abcd",
        .sparse = "streaming:sink=16,window=128",
        .device = "cpu",
        .dtype = "fp32",
        .policies = std::move(policies),
        .asked = 0,
        .cells = {{.task = "needle", .split = "", .length = 512, .scorer = std::move(scorer)}},
        .batch = 2};
    plan.asked = plan.policies.size();
    for (std::int64_t number = 0; number < 3; ++number)
        plan.cells.front().questions.push_back({.number = number, .seed = 7});
    return plan;
}

std::string textOf(const EvaluationPlan& plan, const std::vector<EvaluationBatch>& batches) {
    std::string text = "policy part questions\n";
    for (const EvaluationBatch& batch : batches) {
        text += shortForm(plan.policies[batch.policy]) +
                (batch.part == EvaluationPart::Answer ? " answer " : " fidelity ");
        for (std::size_t i = 0; i < batch.questions.size(); ++i)
            text += (i > 0 ? "," : "") + std::to_string(batch.questions[i]);
        text += '\n';
    }
    return text;
}

std::string cut(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", value);
    return text;
}

std::string textOf(const EvaluationPlan& plan, const std::vector<EvaluationResult>& results) {
    const auto orDash = [](const std::optional<double>& value) { return value ? cut(*value) : "-"; };
    std::string text = "policy samples score low high full loss kl same\n";
    for (const EvaluationResult& r : results)
        text +=
            shortForm(plan.policies[r.policy]) + ' ' + std::to_string(r.samples) + ' ' +
            (r.score ? cut(r.score->mean) + ' ' + cut(r.score->low) + ' ' + cut(r.score->high) : "- - -") +
            ' ' + cut(r.fullShare) + ' ' + orDash(r.lossNats) + ' ' + orDash(r.meanKl) + ' ' +
            orDash(r.sameTop) + '\n';
    return text;
}

constexpr const char* kHalfFull = R"(
    run  sequence  layer  decision
    1    0         0      full
    1    0         1      sparse
    1    1         0      full
    1    1         1      full
)";

SnapshotBuilder answeredTwo() {
    SnapshotBuilder builder;
    builder.layers(2)
        .sequences(R"(
            run  sequence
            1    0
            1    1
        )")
        .decisions(kHalfFull)
        .evaluations(R"(
            run  sequence  length  number  seed  score
            1    0         512     0       7     1
            1    1         512     1       7     0
        )");
    return builder;
}

TEST(Evaluation, ofNothingWantsEverythingInBatches) {
    const EvaluationPlan plan = planOf({RoutedPolicy{}, SparsePolicy{}});
    EXPECT_EQ(rows(textOf(plan, allBatches(plan))), rows(R"(
        policy     part    questions
        routed:0.5 answer  0,1
        sparse     answer  0,1
        routed:0.5 answer  2
        sparse     answer  2
    )"));
}

TEST(Evaluation, takesFromACaptureWhatItHoldsAndWantsTheRest) {
    const EvaluationPlan plan = planOf({RoutedPolicy{}, SparsePolicy{}});
    const RecordedEvaluation recorded = recordedEvaluation(answeredTwo().build(), plan);
    EXPECT_EQ(rows(textOf(plan, stillWanted(plan, recorded.samples))), rows(R"(
        policy     part    questions
        sparse     answer  0,1
        routed:0.5 answer  2
        sparse     answer  2
    )"));
    EXPECT_EQ(rows(textOf(plan, evaluationResults(plan, recorded.samples))), rows(R"(
        policy     samples  score  low    high   full   loss  kl  same
        routed:0.5 2        0.500  0.095  0.905  0.750  -     -   -
    )"));
}

// An answer may depend in its last bits on what is computed beside it: the same batches give the same table.
TEST(Evaluation, wantsABatchWholeOfWhichAPartIsMissing) {
    EvaluationPlan plan = planOf({RoutedPolicy{}});
    plan.batch = 3;
    const RecordedEvaluation recorded = recordedEvaluation(answeredTwo().build(), plan);
    EXPECT_EQ(recorded.samples.size(), 2U);
    EXPECT_EQ(rows(textOf(plan, stillWanted(plan, recorded.samples))), rows(R"(
        policy     part    questions
        routed:0.5 answer  0,1,2
    )"));
}

TEST(Evaluation, ofAnAnswerGivenTwiceTheLastCounts) {
    const EvaluationPlan plan = planOf({RoutedPolicy{}});
    const Snapshot snapshot = answeredTwo()
                                  .sequences("run sequence\n 2 0")
                                  .decisions("run sequence layer decision\n 2 0 0 sparse\n 2 0 1 sparse")
                                  .evaluations("run sequence length number seed score\n 2 0 512 1 7 1")
                                  .build();
    EXPECT_EQ(rows(textOf(plan, evaluationResults(plan, recordedEvaluation(snapshot, plan).samples))),
              rows(R"(
        policy     samples  score  low    high   full   loss  kl  same
        routed:0.5 2        1.000  0.342  1.000  0.250  -     -   -
    )"));
}

TEST(Evaluation, mixesNothingThatDiffers) {
    const EvaluationPlan same = planOf({RoutedPolicy{}});
    const Snapshot snapshot = answeredTwo().build();
    const auto samples = [&snapshot](const EvaluationPlan& plan) {
        return recordedEvaluation(snapshot, plan).samples.size();
    };
    ASSERT_EQ(samples(same), 2U);
    const auto with = [&](auto change) {
        EvaluationPlan plan = same;
        change(plan);
        return samples(plan);
    };
    EXPECT_EQ(with([](auto& p) { p.modelHash = "ffff"; }), 0U);
    EXPECT_EQ(with([](auto& p) { p.sparse = "streaming:sink=16,window=64"; }), 0U);
    EXPECT_EQ(with([](auto& p) { p.device = "cuda"; }), 0U);
    EXPECT_EQ(with([](auto& p) { p.dtype = "bf16"; }), 0U);
    EXPECT_EQ(with([](auto& p) { p.policies = {RoutedPolicy{.threshold = 0.4, .layerThresholds = {}}}; }),
              0U);
    EXPECT_EQ(with([](auto& p) { p.cells[0].task = "needle:facts=8"; }), 0U);
    EXPECT_EQ(with([](auto& p) { p.cells[0].length = 1024; }), 0U);
    EXPECT_EQ(with([](auto& p) { p.cells[0].scorer = "exact"; }), 0U);
    EXPECT_EQ(with([](auto& p) { p.cells[0].questions[0].seed = 8; }), 1U);
    EXPECT_EQ(with([](auto& p) { p.cells[0].questions[0].number = 9; }), 1U);
}

// A policy that measures first is recorded with what it measured: a cell goes on with the scores it began with.
TEST(Evaluation, goesOnWithTheScoresThatACellBeganWith) {
    const EvaluationPlan plan = planOf({EntropyPolicy{.count = 1}, EntropyPolicy{.count = 2}});
    SnapshotBuilder builder = answeredTwo();
    builder.sequences("run sequence\n 2 0")
        .decisions("run sequence layer decision\n 2 0 0 full")
        .evaluations("run sequence length number seed score\n 2 0 512 2 7 1")
        .runs("run\n 1\n 2");
    const auto scored = [](const std::string& first) {
        return R"({"kind":"entropy","count":1,"eigenvalues":64,"scores":[)" + first + ",2.0]}";
    };
    builder.edit().runs[0].policyJson = scored("1.0");
    builder.edit().runs[1].policyJson = scored("1.5");
    const RecordedEvaluation recorded = recordedEvaluation(builder.build(), plan);
    EXPECT_EQ(recorded.samples.size(), 2U) << "run 2 had other scores";
    ASSERT_EQ(recorded.measured.size(), 1U);
    EXPECT_THAT(std::get<EntropyPolicy>(recorded.measured.at({0, 0}).kind()).scores,
                ::testing::ElementsAre(1.0, 2.0));
}

TEST(Evaluation, comparesWithFullAttentionWhatFullAttentionAnswers) {
    EvaluationPlan plan = planOf({RoutedPolicy{}, FullPolicy{}});
    plan.asked = 1;  // full is there for the comparison
    plan.fidelity = true;
    EXPECT_EQ(rows(textOf(plan, allBatches(plan))), rows(R"(
        policy     part      questions
        routed:0.5 answer    0,1
        full       answer    0,1
        routed:0.5 fidelity  0,1
        routed:0.5 answer    2
        full       answer    2
        routed:0.5 fidelity  2
    )"));
    plan.cells.front().scorer = "";  // nothing to judge by
    EXPECT_EQ(rows(textOf(plan, allBatches(plan))), rows(R"(
        policy     part      questions
        full       answer    0,1
        routed:0.5 fidelity  0,1
        full       answer    2
        routed:0.5 fidelity  2
    )"));
    plan.cells.front().scorer = kLikelihoodScorer;  // the answer is given
    EXPECT_EQ(rows(textOf(plan, allBatches(plan))), rows(R"(
        policy     part      questions
        routed:0.5 answer    0,1
        routed:0.5 fidelity  0,1
        routed:0.5 answer    2
        routed:0.5 fidelity  2
    )"));
}

TEST(Evaluation, readsFidelityOffTheStepsOfARun) {
    EvaluationPlan plan = planOf({RoutedPolicy{}, FullPolicy{}});
    plan.fidelity = true;
    const Snapshot snapshot = answeredTwo()
                                  .sequences("run sequence\n 2 0")
                                  .decisions("run sequence layer decision\n 2 0 0 sparse\n 2 0 1 full")
                                  .fidelity("run sequence step kl same\n 2 0 0 0.5 1\n 2 0 1 0.1 0")
                                  .evaluations(
                                      "run sequence length number seed scorer score\n 2 0 512 0 7 "
                                      "fidelity 0.5")
                                  .build();
    EXPECT_EQ(rows(textOf(plan, evaluationResults(plan, recordedEvaluation(snapshot, plan).samples))),
              rows(R"(
        policy     samples  score  low    high   full   loss  kl     same
        routed:0.5 2        0.500  0.095  0.905  0.750  -     0.300  0.500
    )"));
}

TEST(Evaluation, givesTheLossOfALikelihoodInNatsAToken) {
    const EvaluationPlan plan = planOf({RoutedPolicy{}}, kLikelihoodScorer);
    std::vector<EvaluatedSample> samples(2);
    samples[0].score = std::exp(-1.0);
    samples[1] = {.question = 1, .score = std::exp(-2.0)};
    EXPECT_NEAR(evaluationResults(plan, samples).front().lossNats.value(), 1.5, 1e-12);
    samples[1].score = 0;  // an answer that was held impossible has no loss that a number tells
    EXPECT_FALSE(evaluationResults(plan, samples).front().lossNats);
}

TEST(Evaluation, countsALayerWhoseHeadsDifferInPart) {
    LayerRouting full, mixed;
    full.decisions = {{.attention = Attention::Full}};
    mixed.decisions = {{.attention = Attention::Full, .kvHead = KvHeadIndex(0)},
                       {.attention = Attention::Sparse, .kvHead = KvHeadIndex(1)}};
    EXPECT_DOUBLE_EQ(fullShareOf({full, mixed}), 0.75);
    EXPECT_DOUBLE_EQ(fullShareOf({}), 0);

    const Snapshot snapshot =
        SnapshotBuilder()
            .sequences("run sequence\n 1 0")
            .decisions("sequence layer head decision\n 0 0 - full\n 0 1 0 full\n 0 1 1 sparse")
            .evaluations("sequence length number seed score\n 0 512 0 7 1")
            .build();
    const EvaluationPlan plan = planOf({RoutedPolicy{}});
    EXPECT_DOUBLE_EQ(recordedEvaluation(snapshot, plan).samples.at(0).fullShare, 0.75);
}

}  // namespace
}  // namespace fluxscope
