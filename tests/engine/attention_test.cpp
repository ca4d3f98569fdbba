// Every prefill mode of the engine against its reference, key by key: short prompts, chunks, grouped heads, keys that lie on a
// scratch, a model's own window.
#include "engine/attention/attention.h"

#include "tests/engine/attention_cases.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

TEST(Attention, ofEachModeIsItsReference) {
    for (const AttentionCase& c : attentionCases()) {
        const AttentionPrompt prompt(c, cost::DType::F32);
        const std::vector<float> truth = prompt.byReference();
        for (const std::int64_t chunk : c.chunks())
            EXPECT_LT(largestDifference(prompt.inChunks(Compute{}, chunk), truth), 1e-5F)
                << c.name() << " chunk " << chunk;
    }
}

// What is priced is what the reference sees, whatever the kernel.
TEST(Attention, isPricedByWhatItVisits) {
    for (const AttentionCase& c : attentionCases()) {
        const AttentionPrompt prompt(c, cost::DType::F32);
        cost::Cost priced;
        for (const cost::OpShape& shape : prompt.prices(Compute{}, c.chunks().front()))
            priced += costOf(shape);
        std::int64_t estimate = 0;
        if (c.mode == PrefillMode::XAttention) estimate = costOf(prompt.estimateOfWholePrompt()).flops;
        EXPECT_EQ(priced.flops - estimate, 4 * prompt.pairs() * AttentionPrompt::kDim) << c.name();
    }
}

TEST(Attention, computes16BitsOnTheCpu) {
    for (const cost::DType type : {cost::DType::BF16, cost::DType::F16})
        for (const AttentionCase& c : attentionCases()) {
            if (c.prompt != 300) continue;
            const AttentionPrompt prompt(c, type);
            Compute compute;
            compute.costType = type;
            compute.type = type == cost::DType::BF16 ? at::kBFloat16 : at::kHalf;
            EXPECT_LT(largestDifference(prompt.inChunks(compute, c.prompt), prompt.byReference()),
                      type == cost::DType::BF16 ? 4e-2F : 4e-3F)
                << c.name();
        }
}

TEST(Attention, saysWhatMustLieThere) {
    const auto need = [](const char* text, std::optional<std::int64_t> modelWindow = std::nullopt) {
        const SparseForm form = parseSparseForm(text);
        const KvNeed n = kvNeedOf(form.prefill, form, modelWindow);
        return std::tuple{n.whole, n.sink, n.window};
    };
    using Need = std::tuple<bool, std::int64_t, std::int64_t>;
    EXPECT_EQ(need("streaming:sink=5,window=9"), Need(false, 5, 9));
    EXPECT_EQ(need("streaming:sink=5,window=9,granularity=block"), Need(false, 128, 128));
    EXPECT_EQ(need("streaming:sink=5,window=9", 4), Need(false, 5, 4));
    EXPECT_EQ(need("longformer:global=3,window=8,dilation=4"), Need(false, 3, 32));
    EXPECT_EQ(need("full"), Need(true, 0, 0));
    EXPECT_EQ(need("full", 64), Need(false, 0, 64));
    for (const char* whole : {"triangle", "xattention", "bigbird"}) EXPECT_EQ(need(whole), Need(true, 0, 0));
}

TEST(Attention, saysWhereChunksBegin) {
    EXPECT_EQ(chunkMultipleOf(parseSparseForm("streaming")), 1);
    EXPECT_EQ(chunkMultipleOf(parseSparseForm("streaming:granularity=block")), 128);
    EXPECT_EQ(chunkMultipleOf(parseSparseForm("xattention")), 128);
    EXPECT_EQ(chunkMultipleOf(parseSparseForm("triangle:granularity=block")), 1);
    EXPECT_EQ(chunkMultipleOf(parseSparseForm("bigbird")), 1);
}

}  // namespace
}  // namespace fluxscope
