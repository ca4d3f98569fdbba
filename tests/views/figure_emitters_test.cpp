// Every figure by the three emitters: the canvas's (ImGui draw list, here rasterised), QPainter's, and SVG. The first two are
// compared pixel by pixel; of SVG, whose fonts are its reader's, every element is compared with the display list: place, colour, text.
#include "profiler/figure/kv_memory_figure.h"
#include "profiler/figure/layer_cost_figure.h"
#include "profiler/figure/margins_figure.h"
#include "profiler/figure/roofline_figure.h"
#include "profiler/figure/routing_figure.h"
#include "profiler/figure/svg.h"
#include "profiler/figure/time_line_figure.h"
#include "profiler/figure/traffic_figure.h"
#include "profiler/figure/training_figure.h"
#include "tests/analysis/training_builder.h"
#include "tests/figure/device_worlds.h"
#include "tests/views/image_difference.h"
#include "views/canvas/detail/raster_surface.h"
#include "views/painter/painter.h"

#include <gtest/gtest.h>

#include <QImage>
#include <QXmlStreamReader>
#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>

namespace fluxscope {
namespace {

struct Drawn {
    std::string name;
    DisplayList list;
};

std::vector<Drawn> everyFigure(const Theme& theme) {
    using namespace testing;
    const Snapshot small = smallCapture();
    TrafficView ceiling;
    ceiling.ceiling = 4.23e12;
    return {{"routing", routingFigure(routingTable(small), {}, {700, 320}, theme).list},
            {"layer-cost",
             layerCostFigure(layerCosts(small, RunIndex{1}, SequenceIndex{0}), {}, {700, 320}, theme).list},
            {"kv-memory", kvMemoryFigure(someKv(12), {}, {700, 340}, theme).list},
            {"margins", marginsFigure(someHealth(12), {}, {760, 340}, theme).list},
            {"time-line", timeLineFigure(someTimeLine(), {}, {800, 260}, theme).list},
            {"time-line-folded", timeLineFigure(longTimeLine(5000), {}, {800, 240}, theme).list},
            {"roofline", rooflineFigure(someRoofline(), {}, {800, 460}, theme).list},
            {"traffic", trafficFigure(someTraffic(), ceiling, {800, 380}, theme).list},
            {"training", trainingFigure(trainingOf({.steps = 400}, 300), {}, {1100, 560}, theme).list},
            {"training-folded",
             trainingFigure(trainingOf({.steps = 4000, .layers = 36}, 3000), {}, {700, 900}, theme).list}};
}

QImage rasterImage(const DisplayList& list) {
    QImage image(QSizeF(list.size.width, list.size.height).toSize(), QImage::Format_RGB32);
    RasterPainter().paint({&list}, list.background, 1, image);
    return image;
}

// What an SVG says, in its order: one line an element.
std::string elementsOf(const std::string& svg) {
    std::string out;
    QXmlStreamReader xml(QByteArray::fromStdString(svg));
    const auto attribute = [&xml](const char* name) {
        return xml.attributes().value(QLatin1String(name)).toString().toStdString();
    };
    int clip = 0;
    bool first = true;
    while (!xml.atEnd()) {
        xml.readNext();
        const bool isClip = xml.name() == QLatin1String("clipPath");
        if (isClip) clip += xml.isStartElement() ? 1 : xml.isEndElement() ? -1 : 0;
        if (!xml.isStartElement() || clip > 0) continue;
        if (xml.name() == QLatin1String("rect")) {
            if (!std::exchange(first, false))
                out += "rect " + attribute("x") + " " + attribute("y") + " " + attribute("width") + " " +
                       attribute("height") + " " + attribute("fill") + attribute("stroke") + "\n";
        } else if (xml.name() == QLatin1String("polyline")) {
            out += "line " + attribute("points") + " " + attribute("stroke") + "\n";
        } else if (xml.name() == QLatin1String("image")) {
            out += "image " + attribute("x") + " " + attribute("y") + " " + attribute("width") + " " +
                   attribute("height") + "\n";
        } else if (xml.name() == QLatin1String("text")) {
            out += "text " + attribute("x") + " " + attribute("y") + " " + attribute("text-anchor") + " " +
                   attribute("fill");
            out += " " + xml.readElementText().toStdString() + "\n";
        }
    }
    EXPECT_FALSE(xml.hasError()) << xml.errorString().toStdString();
    return out;
}

std::string rounded(double value) {
    std::string text = QString::number(value, 'f', 2).toStdString();
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text == "-0" ? "0" : text;
}

std::string hex(Color c) { return QString::asprintf("#%02x%02x%02x", c.r, c.g, c.b).toStdString(); }

std::string place(const Rect& r) {
    return rounded(r.x) + " " + rounded(r.y) + " " + rounded(r.width) + " " + rounded(r.height);
}

struct Element {
    std::string operator()(const FilledRect& item) const {
        return "rect " + place(item.rect) + " " + hex(item.color) + "\n";
    }
    std::string operator()(const Outline& item) const {
        const double w = item.width;
        return "rect " +
               place({item.rect.x + w / 2, item.rect.y + w / 2, item.rect.width - w, item.rect.height - w}) +
               " none" + hex(item.color) + "\n";
    }
    std::string operator()(const Polyline& item) const {
        std::string points;
        for (const Point& p : item.points)
            points += (points.empty() ? "" : " ") + rounded(p.x) + "," + rounded(p.y);
        return "line " + points + " " + hex(item.color) + "\n";
    }
    std::string operator()(const Image& item) const { return "image " + place(item.rect) + "\n"; }
    std::string operator()(const Text& item) const {
        const char* anchor = item.align == Align::Left     ? "start"
                             : item.align == Align::Center ? "middle"
                                                           : "end";
        return "text " + rounded(item.anchor.x) + " " + rounded(item.anchor.y + 0.35 * item.size) + " " +
               anchor + " " + hex(item.color) + " " + item.utf8 + "\n";
    }
    std::string operator()(const Clip&) const { return {}; }
};

// Line by line and word by word; of numbers, which both sides round to two decimals, the last digit may differ.
void expectSame(const std::string& is, const std::string& should, const std::string& name) {
    std::istringstream isLines(is);
    std::istringstream shouldLines(should);
    std::string isLine;
    std::string shouldLine;
    while (std::getline(shouldLines, shouldLine)) {
        ASSERT_TRUE(std::getline(isLines, isLine)) << name << " lacks: " << shouldLine;
        if (isLine == shouldLine) continue;
        std::ranges::replace(isLine, ',', ' ');
        std::ranges::replace(shouldLine, ',', ' ');
        std::istringstream isWords(isLine);
        std::istringstream shouldWords(shouldLine);
        std::string isWord;
        std::string shouldWord;
        while (shouldWords >> shouldWord) {
            ASSERT_TRUE(isWords >> isWord) << name << ": " << isLine << "\nshould be: " << shouldLine;
            char* end = nullptr;
            const double wanted = std::strtod(shouldWord.c_str(), &end);
            if (*end == '\0')
                ASSERT_NEAR(std::strtod(isWord.c_str(), nullptr), wanted, 0.0101)
                    << name << ": " << isLine << "\nshould be: " << shouldLine;
            else
                ASSERT_EQ(isWord, shouldWord) << name << ": " << isLine << "\nshould be: " << shouldLine;
        }
        ASSERT_FALSE(isWords >> isWord) << name << ": " << isLine << "\nshould be: " << shouldLine;
    }
    ASSERT_FALSE(std::getline(isLines, isLine)) << name << " has more: " << isLine;
}

class EveryFigure : public ::testing::TestWithParam<const Theme*> {};

TEST_P(EveryFigure, looksTheSameOnACanvasAndInQPainter) {
    for (const Drawn& drawn : everyFigure(*GetParam())) {
        const QImage raster = rasterImage(drawn.list);
        const QImage painted = toImage(drawn.list, 1);
        const QString name = QString::fromStdString(drawn.name + "-" + std::string(GetParam()->name));
        raster.save(QStringLiteral("figure-%1-canvas.png").arg(name));
        painted.save(QStringLiteral("figure-%1-painter.png").arg(name));
        EXPECT_LT(differingShare(raster, painted, 48), 0.02) << drawn.name;
        // Without text and slopes nothing is smoothed, and nothing may differ.
        DisplayList sharp = drawn.list;
        std::erase_if(sharp.items, [](const DisplayItem& item) {
            const auto* line = std::get_if<Polyline>(&item);
            return std::holds_alternative<Text>(item) ||
                   (line != nullptr && (line->points.size() > 2 || line->width != 1 ||
                                        (line->points.front().x != line->points.back().x &&
                                         line->points.front().y != line->points.back().y)));
        });
        EXPECT_EQ(differingShare(rasterImage(sharp), toImage(sharp, 1), 1), 0) << drawn.name;
    }
}

TEST_P(EveryFigure, saysTheSameInSvg) {
    for (const Drawn& drawn : everyFigure(*GetParam())) {
        std::string expected;
        for (const DisplayItem& item : drawn.list.items) expected += std::visit(Element{}, item);
        expectSame(elementsOf(toSvg(drawn.list)), expected, drawn.name);
        EXPECT_GT(drawn.list.items.size(), 20u) << drawn.name;
    }
}

INSTANTIATE_TEST_SUITE_P(InTheme, EveryFigure, ::testing::Values(&lightTheme(), &darkTheme()),
                         [](const auto& param) { return std::string(param.param->name); });

}  // namespace
}  // namespace fluxscope
