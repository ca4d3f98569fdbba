// What a run on a CPU leaves in the tables lane and overview.
#include "profiler/store/overview.h"

#include "profiler/store/capture_writer.h"
#include "profiler/store/overview_rows.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"
#include "tests/store/overview_definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

namespace fluxscope {
namespace {

using testing::overviewAgainstDefinition;
using testing::rowsOf;
using testing::Scratch;

constexpr std::int64_t kBegin = 2'000'000'000;
constexpr std::int64_t kBucket = std::int64_t{1} << overviewShift(kFinestLevelOnCpu);

ScopeRecord scopeAt(Phase phase, int layer, std::optional<Op> op, std::int64_t begin, std::int64_t end) {
    ScopeKey key{.phase = phase, .step = StepIndex(phase == Phase::Prefill ? 0 : 1), .op = op};
    if (layer >= 0) key.layer = LayerIndex(layer);
    return {key, Nanoseconds(kBegin + begin), Nanoseconds(kBegin + end), {}};
}

// Overlapping ones, some of them longer than several buckets, out of order; those that begin or end at an edge; one of no length; and
// scopes of whole layers, which do not count.
std::vector<ScopeRecord> wildScopes() {
    std::mt19937 random(5);  // NOLINT(bugprone-random-generator-seed): the same scopes each time
    std::vector<ScopeRecord> scopes;
    std::int64_t at = 5;
    for (int i = 0; i < 900; ++i) {
        at += static_cast<std::int64_t>(random() % 400'000);
        const auto length =
            static_cast<std::int64_t>(i % 50 == 0 ? random() % 30'000'000 : random() % 300'000);
        constexpr std::array kOps{Op::Router, Op::Attention, Op::Mlp};
        const Phase phase = i < 300 ? Phase::Prefill : Phase::Decode;
        const auto layer = static_cast<int>(random() % 3) - 1;
        scopes.push_back(scopeAt(phase, layer, kOps.at(random() % 3), at, at + length));
        if (i % 11 == 0) scopes.push_back(scopeAt(phase, layer, std::nullopt, at, at + 2 * length));
    }
    scopes.push_back(scopeAt(Phase::Decode, 1, Op::Norm, 7 * kBucket, 8 * kBucket));
    scopes.push_back(scopeAt(Phase::Decode, 2, Op::Norm, 9 * kBucket, 9 * kBucket));
    scopes.push_back(scopeAt(Phase::Decode, 2, Op::Qkv, 10 * kBucket - 1, 12 * kBucket + 1));
    for (std::size_t i = 0; i + 40 <= scopes.size(); i += 40)
        std::shuffle(scopes.begin() + static_cast<std::ptrdiff_t>(i),
                     scopes.begin() + static_cast<std::ptrdiff_t>(i) + 40, random);
    return scopes;
}

void record(const std::filesystem::path& file, const std::vector<ScopeRecord>& scopes) {
    CaptureWriter writer(file, {});
    writer.beginRun(writer.nextRun(), testing::factsOf({.layers = 3}), Nanoseconds(kBegin), true);
    for (std::size_t i = 0; i < scopes.size(); ++i) {
        writer.write(scopes[i]);
        if (i % 37 == 0) writer.commit();
    }
    writer.endRun(Nanoseconds(kBegin + 1'000'000'000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
}

TEST(CpuOverview, beginsAtLevel2AndIsWhatItsDefinitionSays) {
    const Scratch scratch;
    record(scratch.file(), wildScopes());
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT min(level), max(level), count(DISTINCT level) FROM overview"),
              "\n2 9 8\n");
    const std::string counts = overviewAgainstDefinition(scratch.file(), true, kFinestLevelOnCpu);
    EXPECT_THAT(counts, ::testing::MatchesRegex("\n[0-9]+ 0 0\n"));
    EXPECT_GT(std::stoi(counts), 200) << counts;
    EXPECT_EQ(
        rowsOf(scratch.file(),
               "SELECT sum(busy_ns) = (SELECT sum(end_ns - begin_ns) FROM scope WHERE op <> ''), "
               "sum(events) = (SELECT count(*) FROM scope WHERE op <> '') FROM overview JOIN lane USING "
               "(lane) WHERE kind = 'layer' GROUP BY level"),
        "\n1 1\n1 1\n1 1\n1 1\n1 1\n1 1\n1 1\n1 1\n");
}

TEST(CpuOverview, isTheSameWhenItIsMadeAfterwards) {
    const Scratch scratch;
    record(scratch.file(), wildScopes());
    constexpr const char* kAll =
        "SELECT level, kind, phase, layer, bucket, busy_ns, events, op FROM overview JOIN lane USING (lane) "
        "ORDER BY 1, 2, 3, 4, 5";
    const std::string recorded = rowsOf(scratch.file(), kAll);
    rowsOf(scratch.file(), "DELETE FROM overview; DELETE FROM lane");
    EXPECT_EQ(buildOverviews(scratch.file()), 1);
    EXPECT_EQ(rowsOf(scratch.file(), kAll), recorded);
}

// Its rows come a second late at most, for they would be a third of all that is written; what a lost process has left out is made up for.
TEST(CpuOverview, lagsWhileTheRunGoesOnAndIsMadeWholeAfterAKill) {
    const Scratch scratch;
    const auto covered_ns = [&scratch] {
        return std::stoll(rowsOf(scratch.file(),
                                 "SELECT coalesce(max(bucket) + 1, 0) << 22 FROM overview JOIN lane USING "
                                 "(lane) WHERE level = 2 AND kind = 'phase'"));
    };
    {
        CaptureWriter writer(scratch.file(), {});
        writer.beginRun(writer.nextRun(), testing::factsOf({.layers = 1}), Nanoseconds(kBegin), true);
        for (std::int64_t step = 1; step <= 500; ++step) {
            const Nanoseconds begin(kBegin + step * 7'000'000);
            const ScopeKey layer{.phase = Phase::Decode, .step = StepIndex::of(step), .layer = LayerIndex(0)};
            ScopeKey op = layer;
            op.op = Op::Mlp;
            const Nanoseconds end = begin + Nanoseconds(5'000'000);
            writer.write(ScopeRecord{op, begin, end, {}});
            writer.write(LayerStepRecord{.phase = Phase::Decode,
                                         .step = layer.step,
                                         .layer = layer.layer,
                                         .begin = begin,
                                         .time = end - begin,
                                         .timeSource = "host-timer"});
            if (step % 20 != 0) continue;
            writer.commit();
            EXPECT_GT(covered_ns(), step * 7'000'000 - 1'150'000'000) << step;
        }
        EXPECT_LT(covered_ns(), 3'400'000'000) << "it lags, or this tests nothing";
    }  // neither the run nor the writer has been ended
    EXPECT_EQ(buildOverviews(scratch.file()), 1);
    EXPECT_FALSE(std::filesystem::exists(scratch.file("run.fluxdb-wal"))) << "one file again";
    EXPECT_EQ(buildOverviews(scratch.file()), 0);
    EXPECT_GE(covered_ns(), 3'505'000'000);
    EXPECT_THAT(overviewAgainstDefinition(scratch.file(), true, kFinestLevelOnCpu),
                ::testing::MatchesRegex("\n[0-9]+ 0 0\n"));
}

// Of a file that has them, as every one had before: rows that the writer does not touch.
TEST(CpuOverview, ofAnotherRunKeepsItsFinestLevels) {
    const Scratch scratch;
    record(scratch.file(), wildScopes());
    testing::addFinestLevels(scratch.file());
    EXPECT_THAT(overviewAgainstDefinition(scratch.file(), true), ::testing::MatchesRegex("\n[0-9]+ 0 0\n"));
    constexpr const char* kLevels =
        "SELECT run, level, count(*), sum(busy_ns) FROM overview JOIN lane USING (lane) WHERE run = 1 GROUP "
        "BY level";
    const std::string before = rowsOf(scratch.file(), kLevels);
    record(scratch.file(), wildScopes());
    EXPECT_EQ(buildOverviews(scratch.file()), 0);
    EXPECT_EQ(rowsOf(scratch.file(), kLevels), before);
    EXPECT_EQ(
        rowsOf(scratch.file(), "SELECT run, min(level) FROM overview JOIN lane USING (lane) GROUP BY run"),
        "\n1 0\n2 2\n");
}

}  // namespace
}  // namespace fluxscope
