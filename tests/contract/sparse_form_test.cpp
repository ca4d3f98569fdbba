#include "engine/contract/sparse_form.h"

#include "engine/contract/error.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

std::string complaint(const char* text) {
    try {
        parseSparseForm(text);
    } catch (const UsageError& e) {
        return e.what();
    }
    return "";
}

TEST(SparseForm, readsItsShortForm) {
    EXPECT_EQ(parseSparseForm("streaming"), SparseForm{});
    EXPECT_EQ(parseSparseForm("streaming:sink=4,window=32,granularity=block,decode=dense"),
              (SparseForm{
                  .decode = DecodeMode::Dense, .granularity = Granularity::Block, .sink = 4, .window = 32}));
    EXPECT_EQ(parseSparseForm("triangle:last=7,sink=1"),
              (SparseForm{.prefill = PrefillMode::Triangle, .sink = 1, .last = 7}));
    EXPECT_EQ(parseSparseForm("xattention:threshold=0.95,stride=8"),
              (SparseForm{.prefill = PrefillMode::XAttention, .stride = 8, .threshold = 0.95}));
    EXPECT_EQ(parseSparseForm("longformer:global=3,dilation=4,window=16"),
              (SparseForm{.prefill = PrefillMode::Longformer, .sink = 3, .window = 16, .dilation = 4}));
    EXPECT_EQ(
        parseSparseForm("bigbird:block=32,random=5,seed=9"),
        (SparseForm{
            .prefill = PrefillMode::BigBird, .sink = 2, .window = 3, .block = 32, .random = 5, .seed = 9}));
    EXPECT_EQ(parseSparseForm("full:window=9"),
              (SparseForm{.prefill = PrefillMode::Full, .sink = 128, .window = 9}));
}

// What a form says with nothing said: all keys of the mode, in their order.
TEST(SparseForm, hasDefaultsForEachMode) {
    for (const char* text :
         {"streaming:sink=128,window=2048,granularity=token",
          "triangle:sink=128,window=2048,granularity=token,last=128",
          "xattention:stride=16,threshold=0.9,sink=128,window=2048",
          "longformer:window=2048,global=128,dilation=1",
          "bigbird:block=64,window=3,global=2,random=3,seed=0", "full:sink=128,window=2048"}) {
        const std::string written = text;
        EXPECT_EQ(shortForm(parseSparseForm(written.substr(0, written.find(':')))), written);
    }
}

TEST(SparseForm, survivesItsShortForm) {
    for (const char* text : {"streaming:sink=0,window=1,granularity=token",
                             "streaming:sink=128,window=2048,granularity=block,decode=dense",
                             "triangle:sink=5,window=6,granularity=block,last=0,decode=dense",
                             "xattention:stride=8,threshold=0.125,sink=0,window=1",
                             "xattention:stride=128,threshold=1,sink=0,window=1",
                             "longformer:window=7,global=0,dilation=3,decode=dense",
                             "bigbird:block=1,window=1,global=0,random=0,seed=9223372036854775807"})
        EXPECT_EQ(shortForm(parseSparseForm(text)), text);
}

TEST(SparseForm, refusesWhatIsNotOne) {
    for (const char* text : {"",
                             "stream",
                             "streaming:sink",
                             "streaming:sink=-1",
                             "streaming:window=0",
                             "streaming:window=1e3",
                             "streaming:window=99999999999999999999",
                             "streaming:window=16777217",
                             "streaming:granularity=page",
                             "streaming:decode=full",
                             "streaming:sink=1,sink=1",
                             "xattention:stride=12",
                             "xattention:stride=256",
                             "xattention:threshold=0",
                             "xattention:threshold=1.5",
                             "xattention:threshold=nan",
                             "xattention:threshold=",
                             "longformer:dilation=0",
                             "longformer:window=1000000,dilation=1000",
                             "bigbird:block=0",
                             "bigbird:block=4096,window=16777216"})
        EXPECT_NE(complaint(text), "") << text;
}

TEST(SparseForm, saysWhichModeAKeyBelongsTo) {
    EXPECT_EQ(complaint("streaming:last=128"),
              "--sparse: last belongs to triangle, not to streaming; write it as "
              "streaming:sink=128,window=2048,granularity=token");
    EXPECT_EQ(complaint("bigbird:depth=1"),
              "--sparse: has an unknown part 'depth'; write it as "
              "bigbird:block=64,window=3,global=2,random=3,seed=0");
    EXPECT_EQ(complaint("longformer:window=0"),
              "--sparse: window is 0, not from 1 to 16777216; write it as "
              "longformer:window=2048,global=128,dilation=1");
}

TEST(SparseForm, saysWhatStreamingDecodeKeeps) {
    const auto keeps = [](const char* text) {
        const SparseForm form = parseSparseForm(text);
        return std::pair{form.decodeSink(), form.decodeWindow()};
    };
    EXPECT_EQ(keeps("streaming:sink=5,window=130"), (std::pair<std::int64_t, std::int64_t>{5, 130}));
    EXPECT_EQ(keeps("streaming:sink=5,window=130,granularity=block"),
              (std::pair<std::int64_t, std::int64_t>{128, 256}));
    EXPECT_EQ(keeps("triangle:sink=0,window=128,granularity=block"),
              (std::pair<std::int64_t, std::int64_t>{0, 128}));
    EXPECT_EQ(keeps("xattention"), (std::pair<std::int64_t, std::int64_t>{128, 2048}));
    EXPECT_EQ(keeps("longformer:window=64,dilation=3,global=2"),
              (std::pair<std::int64_t, std::int64_t>{2, 192}));
    EXPECT_EQ(keeps("bigbird:block=16"), (std::pair<std::int64_t, std::int64_t>{32, 48}));
}

}  // namespace
}  // namespace fluxscope
