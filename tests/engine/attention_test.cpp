// Every prefill mode of the engine against its reference, key by key: short prompts, chunks, grouped heads, keys that lie on a
// scratch, a model's own window.
#include "engine/attention/attention.h"

#include "engine/attention/detail/xattention.h"
#include "tests/engine/attention_cases.h"

#include <ATen/ops/zeros.h>
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

// On a GPU the price of chosen blocks comes from two sums over the flags, not from the list.
TEST(Attention, ofChosenBlocksIsPricedFromTheFlags) {
    for (const auto& [begin, end] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 1}, {0, 300}, {128, 450}, {256, 384}}) {
        const TilesShape shape{.begin = begin, .end = end, .keys = end, .heads = 4, .kvHeads = 2};
        const std::int64_t blocks = (end + kTileRows - 1) / kTileRows;
        at::Tensor keep = at::zeros({4, shape.queryTiles(), blocks}, at::kByte);
        auto* flag = keep.mutable_data_ptr<std::uint8_t>();
        for (std::int64_t h = 0; h < 4; ++h)
            for (std::int64_t t = shape.firstTile(); t < shape.firstTile() + shape.queryTiles(); ++t)
                for (std::int64_t b = 0; b < blocks; ++b)
                    *flag++ = b == t || (b < t && (b * 5 + t + h) % 3 == 0) ? 1 : 0;
        const TileVisits fromList = visitsOf(shape, tilesOfBlocks({.denseFrom = 0}, begin, end, 4,
                                                                  {keep.const_data_ptr<std::uint8_t>(),
                                                                   static_cast<std::size_t>(keep.numel())}));
        const TileVisits fromFlags = visitsOfBlocks(shape, keep);
        EXPECT_EQ(fromFlags.tiles, fromList.tiles);
        EXPECT_EQ(fromFlags.pairs, fromList.pairs);
        EXPECT_EQ(fromFlags.keys, fromList.keys);
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
