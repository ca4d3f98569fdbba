#include "engine/contract/sparse_form.h"

#include "engine/contract/error.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

TEST(SparseForm, readsItsShortForm) {
    EXPECT_EQ(parseSparseForm("streaming"), SparseForm{});
    EXPECT_EQ(parseSparseForm("streaming:sink=4,window=32,granularity=block,decode=dense"),
              (SparseForm{
                  .decode = DecodeMode::Dense, .granularity = Granularity::Block, .sink = 4, .window = 32}));
}

TEST(SparseForm, survivesItsShortForm) {
    for (const char* text : {"streaming:sink=0,window=1,granularity=token",
                             "streaming:sink=128,window=2048,granularity=block,decode=dense"})
        EXPECT_EQ(shortForm(parseSparseForm(text)), text);
}

TEST(SparseForm, refusesWhatIsNotOne) {
    for (const char* text :
         {"", "stream", "streaming:sink", "streaming:sink=-1", "streaming:window=0", "streaming:window=1e3",
          "streaming:granularity=page", "streaming:decode=full", "streaming:last=128"})
        EXPECT_THROW(parseSparseForm(text), UsageError) << text;
}

}  // namespace
}  // namespace fluxscope
