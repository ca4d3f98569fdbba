// The program as the README shows it: one command, and the picture it writes. The picture stays in build/<preset>/tests/run as
// window.png.
#include "profiler/figure/theme.h"
#include "tests/desktop/world.h"

#include <gtest/gtest.h>

#include <QImage>
#include <QProcess>

namespace fluxscope {
namespace {

// How many pixels are of a hue near this colour: a figure's cells run from it to the undecided grey.
int pixelsLike(const QImage& picture, Color color) {
    const QColor wanted(color.r, color.g, color.b);
    int count = 0;
    for (int y = 0; y < picture.height(); ++y)
        for (int x = 0; x < picture.width(); ++x) {
            const QColor seen = picture.pixelColor(x, y);
            if (seen.hslSaturation() > 80 && std::abs(seen.hslHue() - wanted.hslHue()) < 20) ++count;
        }
    return count;
}

TEST(Picture, ofTheSampleRunShowsDecisionsOfBothKinds) {
    const QString file = QStringLiteral("window.png");
    const QString prompts = QStringLiteral(FLUXSCOPE_SOURCE_DIR) + "/sample_data/prompts/sample.jsonl";
    const int code = QProcess::execute(
        FLUXSCOPE_PROGRAM, {"--model", testing::tinyModel(), "--prompts", prompts, "--run", "--theme",
                            "light", "--capture", testing::world() + "/sample.fluxdb", "--screenshot", file});
    ASSERT_EQ(code, 0);
    const QImage picture(file);
    ASSERT_GE(picture.width(), 1200);
    ASSERT_GE(picture.height(), 700);
    EXPECT_GT(pixelsLike(picture, lightTheme().full), 5000);
    EXPECT_GT(pixelsLike(picture, lightTheme().sparse), 5000);
}

}  // namespace
}  // namespace fluxscope
