#include "views/canvas/axis_zoom.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

constexpr AxisRange kWhole{0, 100};

TEST(AxisZoom, keepsWhatIsUnderThePointerWhereItIs) {
    const AxisRange closer = zoomed({20, 60}, kWhole, 2, 30, 1);
    EXPECT_EQ(closer, (AxisRange{25, 45}));  // 30 stays a quarter of the way in
}

TEST(AxisZoom, stopsAtTheEndsAndAtTheLeastSpan) {
    EXPECT_EQ(zoomed({0, 40}, kWhole, 0.5, 40, 1), (AxisRange{0, 80}));
    EXPECT_EQ(zoomed({10, 90}, kWhole, 0.1, 50, 1), kWhole);
    EXPECT_EQ(zoomed({10, 14}, kWhole, 8, 12, 4), (AxisRange{10, 14}));
}

TEST(AxisZoom, neverShowsMoreThanThereIs) {
    EXPECT_EQ(zoomed({0, 2}, {0, 2}, 2, 1, 4), (AxisRange{0, 2}));
    EXPECT_EQ(zoomed({5, 5}, kWhole, 2, 5, 1), kWhole);
}

TEST(AxisZoom, pansWithoutChangingTheSpan) {
    EXPECT_EQ(panned({10, 30}, kWhole, 5), (AxisRange{15, 35}));
    EXPECT_EQ(panned({10, 30}, kWhole, -50), (AxisRange{0, 20}));
    EXPECT_EQ(panned({10, 30}, kWhole, 500), (AxisRange{80, 100}));
}

}  // namespace
}  // namespace fluxscope
