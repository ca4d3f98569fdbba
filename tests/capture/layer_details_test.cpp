#include "profiler/capture/layer_details.h"

#include "engine/contract/error.h"
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::Scratch;

std::string textOf(const std::vector<ScopeRow>& scopes) {
    std::string text = "\n";
    for (const ScopeRow& s : scopes) {
        text += (s.chunk ? std::to_string(s.chunk->value()) : "-") + " " +
                (s.op ? std::string(nameOf(*s.op)) : "whole") + " " +
                std::to_string((s.end - s.begin).count()) + " " +
                (s.cost ? std::to_string(s.cost->flops) : "-") + "\n";
    }
    return text;
}

TEST(LayerDetails, breaksALayersStepDownIntoItsOperations) {
    const Scratch scratch;
    testing::record(scratch.file());
    EXPECT_EQ(textOf(readScopes(scratch.file(), RunIndex(1), {}, StepIndex(0), LayerIndex(1))), R"(
- router 3000 4954
0 attention 10000 384
1 attention 10000 384
- whole 27000 -
)");
    EXPECT_EQ(textOf(readScopes(scratch.file(), RunIndex(1), {}, StepIndex(2), LayerIndex(0))), R"(
- attention 40000 384
- whole 42000 -
)");
}

TEST(LayerDetails, knowsWhatLiesOutsideAllLayers) {
    const Scratch scratch;
    testing::record(scratch.file());
    EXPECT_EQ(textOf(readScopes(scratch.file(), RunIndex(1), {}, StepIndex(1), std::nullopt)), R"(
- embed 5000 0
- head 7000 4096
- whole 66000 -
)");
}

TEST(LayerDetails, hasNothingToSayAboutWhatIsNotThere) {
    const Scratch scratch;
    testing::record(scratch.file());
    EXPECT_TRUE(readScopes(scratch.file(), RunIndex(9), {}, StepIndex(0), LayerIndex(0)).empty());
    EXPECT_THROW(readScopes(scratch.file("none.fluxdb"), RunIndex(1), {}, StepIndex(0), LayerIndex(0)),
                 InputError);
}

TEST(LayerDetails, readsThePromptsTokens) {
    const Scratch scratch;
    testing::record(scratch.file(), {.sequences = 2});
    const std::vector<PromptTokenRow> tokens =
        readPromptTokens(scratch.file(), RunIndex(1), SequenceIndex(1));
    ASSERT_EQ(tokens.size(), 3U);
    EXPECT_EQ(tokens[2].position, 2);
    EXPECT_EQ(tokens[2].token, TokenId(12));
    EXPECT_EQ(tokens[2].byteBegin, 2);
    EXPECT_EQ(tokens[2].byteEnd, 3);
}

}  // namespace
}  // namespace fluxscope
