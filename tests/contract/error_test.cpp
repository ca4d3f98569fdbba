#include "engine/contract/error.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

TEST(Error, isOneSentenceWithFileFieldAndRemedy) {
    const InputError error{"model.safetensors", "model.norm.weight", "has shape [3] but config.json says 4",
                           "use the config.json of these weights"};
    EXPECT_STREQ(error.what(),
                 "model.safetensors: model.norm.weight has shape [3] but config.json says 4; use the "
                 "config.json of these weights");
    EXPECT_EQ(error.exitCode(), 3);
}

TEST(Error, keepsHostileNamesOnOneLine) {
    const InputError error{"a\nb\x1b[31m.json", "", "is bad", ""};
    EXPECT_STREQ(error.what(), "a\\x0Ab\\x1B[31m.json: is bad");
}

TEST(Printable, keepsWellFormedTextAndEscapesTheRest) {
    EXPECT_EQ(printable("µ → 日本 🙂"), "µ → 日本 🙂");
    EXPECT_EQ(printable("\xC3"), "\\xC3");
    EXPECT_EQ(printable("\xED\xA0\x80"), "\\xED\\xA0\\x80") << "a surrogate is not UTF-8";
    EXPECT_EQ(printable("\xC0\xAF"), "\\xC0\\xAF") << "overlong";
    EXPECT_EQ(printable("\xC2\x9B"
                        "31m"),
              "\\xC2\\x9B31m")
        << "the one-byte escape sequence introducer";
    EXPECT_EQ(printable("aaaaaaaa", 4), "aaaa…");
}

}  // namespace
}  // namespace fluxscope
