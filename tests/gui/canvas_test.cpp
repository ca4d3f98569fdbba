// Canvases in real windows: both back-ends show the same picture, and neither paints when nothing happens.
#include "views/canvas/canvas.h"

#include "tests/gui/wait.h"
#include "tests/views/image_difference.h"
#include "tests/views/sample_list.h"
#include "views/canvas/qt_input.h"

#include <gtest/gtest.h>

#include <QWheelEvent>

namespace fluxscope {
namespace {

DisplayListPtr sample(const Theme& theme) { return std::make_shared<const DisplayList>(sampleList(theme)); }

// Shown, painted, and with nothing left to do.
void showSettled(Canvas& canvas) {
    canvas.show();
    ASSERT_TRUE(QTest::qWaitForWindowExposed(&canvas));
    ASSERT_TRUE(eventually([&] { return canvas.framesPainted() > 0; }));
    QTest::qWait(150);
}

QImage picture(CanvasKind kind, const DisplayListPtr& list) {
    Canvas canvas(kind, nullptr);
    canvas.resize(static_cast<int>(list->size.width), static_cast<int>(list->size.height));
    canvas.setFigure(list);
    showSettled(canvas);
    EXPECT_EQ(canvas.kind(), kind);
    return canvas.grab().toImage();
}

class CanvasKinds : public ::testing::TestWithParam<CanvasKind> {};

TEST(CanvasPictures, areTheSameWithBothBackEnds) {
    ASSERT_TRUE(probeOpenGl().usable) << probeOpenGl().reason;
    for (const Theme* theme : {&lightTheme(), &darkTheme()}) {
        const DisplayListPtr list = sample(*theme);
        const QImage gl = picture(CanvasKind::OpenGl, list);
        const QImage raster = picture(CanvasKind::Raster, list);
        const auto name = [&](const char* kind) {
            return QStringLiteral("canvas-%1-%2-%3.png")
                .arg(QLatin1String(kind), QString::fromUtf8(theme->name.data()))
                .arg(gl.devicePixelRatio());
        };
        EXPECT_TRUE(gl.save(name("gl")));
        EXPECT_TRUE(raster.save(name("raster")));
        const double share = differingShare(gl, raster, 2);
        std::printf("%s at scale %g: %.4f %% of the pixels differ by more than 2 levels\n",
                    theme->name.data(), gl.devicePixelRatio(), share * 100);
        EXPECT_LT(share, 0.008);
    }
}

TEST_P(CanvasKinds, paintsNothingWhileIdle) {
    Canvas canvas(GetParam(), nullptr);
    canvas.resize(420, 260);
    canvas.setFigure(sample(lightTheme()));
    showSettled(canvas);
    const std::int64_t before = canvas.framesPainted();
    QTest::qWait(2000);
    EXPECT_EQ(canvas.framesPainted(), before);
    canvas.requestFrame();
    EXPECT_TRUE(eventually([&] { return canvas.framesPainted() == before + 1; }));
}

TEST_P(CanvasKinds, changesItsPictureWhenTheFigureDoes) {
    Canvas canvas(GetParam(), nullptr);
    canvas.resize(420, 260);
    canvas.setBackground({10, 20, 30});
    showSettled(canvas);
    EXPECT_EQ(canvas.grab().toImage().pixelColor(5, 5), QColor(10, 20, 30));
    canvas.setFigure(sample(darkTheme()));
    const QImage first = canvas.grab().toImage();
    auto overlay = std::make_shared<DisplayList>();
    overlay->items.emplace_back(FilledRect{{0, 0, 50, 50}, {255, 0, 0}});
    canvas.setOverlay(overlay);
    const QImage second = canvas.grab().toImage();
    EXPECT_EQ(second.pixelColor(5, 5), QColor(255, 0, 0));
    canvas.setOverlay(nullptr);
    EXPECT_EQ(differingShare(canvas.grab().toImage(), first, 0), 0);
}

INSTANTIATE_TEST_SUITE_P(Both, CanvasKinds, ::testing::Values(CanvasKind::Raster, CanvasKind::OpenGl));

TEST(CanvasInput, comesInLogicalPixelsWithItsModifiers) {
    Canvas canvas(CanvasKind::Raster, nullptr);
    canvas.resize(300, 200);
    showSettled(canvas);
    std::vector<CanvasInput> inputs;
    QObject::connect(&canvas, &Canvas::received, [&](const CanvasInput& input) { inputs.push_back(input); });
    QTest::mousePress(&canvas, Qt::LeftButton, Qt::ShiftModifier, {31, 42});
    QTest::keyClick(&canvas, Qt::Key_W);
    QWheelEvent wheel({10, 20}, canvas.mapToGlobal(QPointF(10, 20)), {}, {0, 60}, Qt::NoButton,
                      Qt::ControlModifier, Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(&canvas, &wheel);
    ASSERT_GE(inputs.size(), 3U);
    const auto& press = std::get<PointerPressed>(inputs.front());
    EXPECT_EQ(press.at, (Point{31, 42}));
    EXPECT_TRUE(press.modifiers.shift);
    const auto& turned = std::get<WheelTurned>(inputs.back());
    EXPECT_EQ(turned.notchesY, 0.5);
    EXPECT_TRUE(turned.modifiers.control);
    EXPECT_TRUE(std::holds_alternative<KeyPressed>(inputs[inputs.size() - 2]));
}

TEST(CanvasChoice, prefersHardwareAndObeysTheUser) {
    GlProbe hardware;
    hardware.usable = true;
    GlProbe software = hardware;
    software.software = true;
    const GlProbe none;
    EXPECT_EQ(chooseCanvasKind(hardware, ""), CanvasKind::OpenGl);
    EXPECT_EQ(chooseCanvasKind(hardware, "raster"), CanvasKind::Raster);
    EXPECT_EQ(chooseCanvasKind(software, ""), CanvasKind::Raster);
    EXPECT_EQ(chooseCanvasKind(software, "gl"), CanvasKind::OpenGl);
    EXPECT_EQ(chooseCanvasKind(none, "gl"), CanvasKind::Raster);
}

TEST(CanvasChoice, callsTheSoftwareRendererOfXvfbWhatItIs) {
    const GlProbe& probe = probeOpenGl();
    ASSERT_TRUE(probe.usable) << probe.reason;
    EXPECT_FALSE(probe.renderer.empty());
    EXPECT_EQ(probe.software, probe.renderer.find("llvmpipe") != std::string::npos) << probe.renderer;
}

}  // namespace
}  // namespace fluxscope
