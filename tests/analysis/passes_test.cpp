#include "profiler/analysis/passes.h"

#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::SnapshotBuilder;

SnapshotBuilder threePasses() {
    return SnapshotBuilder()
        .runs("run role\n 1 timed\n 2 timeline\n 3 counters\n 4 counters\n 5 counters")
        .sequences("run sequence prompt tokens\n 1 0 a 512\n 2 0 a 512\n 3 0 a 512\n 4 0 a 512\n 5 0 b 512");
}

TEST(Passes, areTheLastThatRepeatedTheSameThing) {
    SnapshotBuilder builder = threePasses();
    const Passes passes = passesOf(builder.build(), RunIndex{1});
    EXPECT_EQ(passes.timeline, RunIndex{2});
    EXPECT_EQ(passes.counters, RunIndex{4});
    EXPECT_EQ(passesOf(builder.build(), RunIndex{3}).counters, RunIndex{3});  // itself
    EXPECT_EQ(passesOf(builder.build(), RunIndex{5}).timeline, std::nullopt);
    EXPECT_EQ(passesOf(builder.build(), RunIndex{9}).counters, std::nullopt);
}

TEST(Passes, knowAPromptByItsIdWhenItsTextBecameTokenIds) {
    SnapshotBuilder builder = threePasses();
    PromptRow ids = builder.edit().prompts.front();
    ids.prompt = 77;
    ids.text.reset();
    builder.edit().prompts.push_back(ids);
    for (SequenceRow& row : builder.edit().sequences)
        if (row.run == RunIndex{2}) row.prompt = 77;
    EXPECT_EQ(passesOf(builder.build(), RunIndex{1}).timeline, RunIndex{2});
    for (SequenceRow& row : builder.edit().sequences)
        if (row.run == RunIndex{2}) row.promptTokens = 511;
    EXPECT_EQ(passesOf(builder.build(), RunIndex{1}).timeline, std::nullopt);
}

TEST(Passes, areNotThoseOfAnotherPolicyOrWithoutAnEnd) {
    SnapshotBuilder builder = threePasses();
    builder.edit().runs[1].policyJson = "{}";
    builder.edit().runs[3].outcome.reset();
    const Passes passes = passesOf(builder.build(), RunIndex{1});
    EXPECT_EQ(passes.timeline, std::nullopt);
    EXPECT_EQ(passes.counters, RunIndex{3});
}

}  // namespace
}  // namespace fluxscope
