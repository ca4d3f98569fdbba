// The CPU canvas's emitter and QPainter's: the same picture, pixel by pixel where there is no smoothing.
#include "tests/views/image_difference.h"
#include "tests/views/sample_list.h"
#include "views/canvas/detail/raster_surface.h"
#include "views/painter/painter.h"

#include <gtest/gtest.h>

#include <QImage>
#include <QPainter>

namespace fluxscope {
namespace {

QImage rasterImage(const DisplayList& list, double scale) {
    QImage image((QSizeF(list.size.width, list.size.height) * scale).toSize(), QImage::Format_RGB32);
    RasterPainter().paint({&list}, list.background, scale, image);
    return image;
}

DisplayList withoutText(DisplayList list) {
    std::erase_if(list.items, [](const DisplayItem& item) { return std::holds_alternative<Text>(item); });
    return list;
}

DisplayList withoutSlopes(DisplayList list) {
    std::erase_if(list.items, [](const DisplayItem& item) {
        const auto* line = std::get_if<Polyline>(&item);
        return line && line->points.size() > 2;
    });
    return list;
}

class Emitters : public ::testing::TestWithParam<double> {};

TEST_P(Emitters, agreeExactlyOnRectanglesGridLinesImagesAndClips) {
    const DisplayList list = withoutSlopes(withoutText(sampleList(lightTheme())));
    const QImage raster = rasterImage(list, GetParam());
    const QImage painted = toImage(list, GetParam());
    raster.save(QStringLiteral("emitters-raster.png"));
    painted.save(QStringLiteral("emitters-painter.png"));
    EXPECT_EQ(differingShare(raster, painted, 1), 0);
}

TEST_P(Emitters, agreeOnTextAndSlopesButForTheSmoothing) {
    const DisplayList list = sampleList(darkTheme());
    const QImage raster = rasterImage(list, GetParam());
    const QImage painted = toImage(list, GetParam());
    const auto name = [](const char* who) {
        return QStringLiteral("emitters-%1-%2.png").arg(QLatin1String(who)).arg(GetParam());
    };
    raster.save(name("raster"));
    painted.save(name("painter"));
    const double share = differingShare(raster, painted, 48);
    RecordProperty("share", std::to_string(share));
    EXPECT_LT(share, 0.02);
}

INSTANTIATE_TEST_SUITE_P(AtScale, Emitters, ::testing::Values(1.0, 1.5, 2.0));

TEST(RasterEmitter, paintsAHairlineEvenWhereItsRectIsThinnerThanAPixel) {
    DisplayList list{.size = {8, 8}, .background = {0, 0, 0}};
    list.items.emplace_back(FilledRect{{3.1, 1, 0.2, 6}, {255, 255, 255}});
    const QImage image = rasterImage(list, 1);
    EXPECT_EQ(image.pixel(3, 3), qRgb(255, 255, 255));
    EXPECT_EQ(image.pixel(2, 3), qRgb(0, 0, 0));
    EXPECT_EQ(image.pixel(4, 3), qRgb(0, 0, 0));
}

// Two cells that share an edge leave no gap and no overlap at any scale.
TEST(RasterEmitter, joinsNeighboursWithoutASeam) {
    DisplayList list{.size = {50, 4}, .background = {0, 0, 0}};
    for (int i = 0; i < 30; ++i)
        list.items.emplace_back(FilledRect{{i * 1.61, 0, 1.61, 4}, {200, 100, 50, 128}});
    for (const double scale : {1.0, 1.25, 1.5, 1.75, 2.0, 3.0}) {
        const QImage image = rasterImage(list, scale);
        const QRgb first = image.pixel(0, 0);
        for (int x = 0; x < static_cast<int>(30 * 1.61 * scale); ++x)
            ASSERT_EQ(image.pixel(x, 0), first) << "at x " << x << ", scale " << scale;
    }
}

TEST(RasterEmitter, coversATriangleFanOnce) {
    DisplayList list{.size = {64, 64}, .background = {0, 0, 0}};
    list.items.emplace_back(Polyline{{{4, 4}, {60, 50}, {8, 58}}, {255, 255, 255, 128}, 9});
    const QImage image = rasterImage(list, 1);
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            // Painted twice, half-transparent white would be 192. The joint of a wide line may overlap by its fringe.
            ASSERT_LE(qRed(image.pixel(x, y)), 130) << x << ", " << y;
    EXPECT_EQ(qRed(image.pixel(32, 27)), 128);
}

TEST(RasterEmitter, setsTextAtTheAdvanceThatFiguresMeasureWith) {
    DisplayList list{.size = {200, 20}, .background = {0, 0, 0}};
    list.items.emplace_back(Text{{0, 10}, "||||||||||||||||||||", {255, 255, 255}, 15});
    const QImage image = rasterImage(list, 1);  // bars of 9 pixels' advance: all columns repeat
    for (int x = 9; x < 20 * 9; ++x) ASSERT_EQ(image.pixel(x, 10), image.pixel(x - 9, 10)) << x;
    int lit = 0;
    for (int x = 0; x < 9; ++x) lit += qRed(image.pixel(x, 10)) > 100 ? 1 : 0;
    EXPECT_GE(lit, 1);
}

TEST(RasterEmitter, growsItsAtlasForCharactersItHasNotSeen) {
    RasterPainter painter;
    DisplayList list{.size = {40, 20}, .background = {0, 0, 0}};
    QImage first(40, 20, QImage::Format_RGB32);
    QImage second(first);
    list.items.emplace_back(Text{{4, 10}, "a", {255, 255, 255}, 14});
    painter.paint({&list}, list.background, 1, first);
    std::get<Text>(list.items.front()).utf8 = "Ж";  // Cyrillic is in no figure of ours, but in a prompt's id
    painter.paint({&list}, list.background, 1, second);
    DisplayList replacement = list;
    std::get<Text>(replacement.items.front()).utf8 = "\uFFFD";
    EXPECT_GT(differingShare(first, second, 40), 0.01);
    EXPECT_GT(differingShare(second, rasterImage(replacement, 1), 40), 0.01);
}

}  // namespace
}  // namespace fluxscope
