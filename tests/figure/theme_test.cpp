#include "profiler/figure/theme.h"

#include "profiler/figure/detail/oklab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

double distance(Color a, Color b) {
    const oklab::Lab x = oklab::fromColor(a);
    const oklab::Lab y = oklab::fromColor(b);
    return std::hypot(x.l - y.l, std::hypot(x.a - y.a, x.b - y.b));
}

// As somebody without red cones (or green, by `deutan`) sees it: Viénot, Brettel, Mollon 1999, in linear light.
Color dichromat(Color c, bool deutan) {
    const double r = oklab::linear(c.r);
    const double g = oklab::linear(c.g);
    const double b = oklab::linear(c.b);
    const double rg = deutan ? 0.29275 * r + 0.70725 * g : 0.11238 * r + 0.88762 * g;
    const double blue = deutan ? -0.02234 * r + 0.02234 * g + b : 0.00401 * r - 0.00401 * g + b;
    return {oklab::encoded(rg), oklab::encoded(rg), oklab::encoded(blue), 255};
}

class EachTheme : public ::testing::TestWithParam<const Theme*> {};
INSTANTIATE_TEST_SUITE_P(Theme, EachTheme, ::testing::Values(&lightTheme(), &darkTheme()),
                         [](const auto& theme) { return std::string(theme.param->name); });

TEST_P(EachTheme, textReadsOnEverythingItStandsOn) {
    const Theme& theme = *GetParam();
    for (const Color text :
         {theme.text, theme.textMuted, theme.full, theme.sparse, theme.accent, theme.warning})
        for (const Color under : {theme.background, theme.surface}) EXPECT_GE(contrast(text, under), 4.5);
    for (int i = 0; i <= 256; ++i) {
        const double t = i / 256.0;
        const Color cost = sequentialColor(t, theme);
        const Color routing = routingColor(t, theme);
        EXPECT_GE(contrast(cost, readableOn(cost)), 4.5) << t;
        EXPECT_GE(contrast(routing, readableOn(routing)), 4.5) << t;
    }
}

TEST_P(EachTheme, costGrowsAwayFromTheBackgroundInEqualSteps) {
    const Theme& theme = *GetParam();
    constexpr int kSteps = 32;  // coarse enough that 8-bit rounding does not count
    const double whole = distance(sequentialColor(0, theme), sequentialColor(1, theme));
    EXPECT_GT(whole, 0.5);
    for (int i = 0; i < kSteps; ++i) {
        const Color from = sequentialColor(static_cast<double>(i) / kSteps, theme);
        const Color to = sequentialColor(static_cast<double>(i + 1) / kSteps, theme);
        EXPECT_NEAR(distance(from, to), whole / kSteps, 0.3 * whole / kSteps) << i;
        EXPECT_GT(distance(to, theme.background), distance(from, theme.background)) << i;
    }
}

TEST_P(EachTheme, fullAndSparseDifferForTheColourBlindToo) {
    const Theme& theme = *GetParam();
    for (const bool deutan : {false, true}) {
        EXPECT_GT(distance(dichromat(theme.full, deutan), dichromat(theme.sparse, deutan)), 0.15);
        EXPECT_GT(distance(dichromat(routingColor(0.51, theme), deutan),
                           dichromat(routingColor(0.49, theme), deutan)),
                  0.03);
    }
}

TEST_P(EachTheme, aDecisionNeverLooksUndecided) {
    const Theme& theme = *GetParam();
    const Color undecided = routingColor(0.5, theme);
    EXPECT_GT(distance(routingColor(0.5001, theme), undecided), 0.03);
    EXPECT_GT(distance(routingColor(0.4999, theme), undecided), 0.03);
}

TEST_P(EachTheme, anyNumberHasAColour) {
    const Theme& theme = *GetParam();
    EXPECT_EQ(sequentialColor(-3, theme), sequentialColor(0, theme));
    EXPECT_EQ(sequentialColor(7, theme), sequentialColor(1, theme));
    EXPECT_EQ(sequentialColor(std::nan(""), theme), sequentialColor(0, theme));
    EXPECT_EQ(routingColor(INFINITY, theme), routingColor(1, theme));
}

}  // namespace
}  // namespace fluxscope
