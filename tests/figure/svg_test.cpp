#include "profiler/figure/svg.h"

#include "profiler/figure/layer_cost_figure.h"
#include "profiler/figure/routing_figure.h"
#include "tests/figure/python_check.h"
#include "tests/figure/worlds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>

namespace fluxscope {
namespace {

// Python's expat is the judge: strict about well-formedness, and not ours. The pixels of embedded images are decoded too.
void expectWellFormed(const std::string& svg, const std::string& name) {
    static constexpr const char* kScript = R"(
import base64, struct, sys, zlib, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == '{http://www.w3.org/2000/svg}svg', root.tag
ids = [e.get('id') for e in root.iter() if e.get('id')]
assert len(ids) == len(set(ids)), 'ids repeat'
for e in root.iter():
    clip = e.get('clip-path')
    assert clip is None or clip[5:-1] in ids, clip
    link = e.get('{http://www.w3.org/1999/xlink}href')
    if link is None: continue
    assert link.startswith('data:image/png;base64,')
    png = base64.b64decode(link.split(',')[1], validate=True)
    assert png[:8] == b'\x89PNG\r\n\x1a\n'
    at, data = 8, b''
    while at < len(png):
        length, kind = struct.unpack('>I4s', png[at:at + 8])
        body = png[at + 8:at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack('>I', png[at + 8 + length:at + 12 + length])[0]
        if kind == b'IHDR': width, height = struct.unpack('>II', body[:8])
        if kind == b'IDAT': data += body
        at += 12 + length
    assert len(zlib.decompress(data)) == height * (1 + 4 * width)
)";
    EXPECT_TRUE(testing::pythonAccepts(kScript, svg, name + ".svg")) << name;
}

TEST(Svg, figuresAreWellFormedWithTheirImages) {
    const Snapshot small = testing::smallCapture();
    const Snapshot large = testing::largeCapture(128, 400, 200);
    for (const auto& [name, snapshot] : {std::pair{"svg_small", &small}, std::pair{"svg_large", &large}}) {
        const RoutingTable table = routingTable(*snapshot);
        expectWellFormed(
            toSvg(routingFigure(table, {}, {900, 500}, darkTheme()).list, {"r", "Routing & <more>"}),
            std::string(name) + "_routing");
        expectWellFormed(toSvg(layerCostFigure(layerCosts(*snapshot, RunIndex{1}, SequenceIndex{0}), {},
                                               {900, 500}, lightTheme())
                                   .list),
                         std::string(name) + "_cost");
    }
}

TEST(Svg, staysWellFormedWithWhateverStandsInATextOrANumber) {
    DisplayList list;
    list.size = {100, std::nan("")};
    std::mt19937 random(11);  // NOLINT(bugprone-random-generator-seed): the same texts each time
    for (int i = 0; i < 300; ++i) {
        std::string text;
        for (int k = 0; k < 20; ++k) text += static_cast<char>(random() & 0xFF);
        list.items.emplace_back(Text{{INFINITY, -INFINITY}, text, {}, 11, Align::Center});
    }
    list.items.emplace_back(
        Text{{0, 0}, std::string("]]></text><script>") + '\0' + "&\xEF\xBF\xBF", {}, 11, Align::Left});
    list.items.emplace_back(FilledRect{{1, 2, -3, std::nan("")}, {1, 2, 3, 40}});
    list.items.emplace_back(Clip{Rect{0, 0, 5, 5}});
    list.items.emplace_back(Clip{Rect{0, 0, 6, 6}});  // left open at the end, too
    list.items.emplace_back(Image{{0, 0, 1, 1}, 4, 4, nullptr});
    list.items.emplace_back(
        Image{{0, 0, 1, 1}, 1000, 1000, std::make_shared<const std::vector<std::uint8_t>>(3)});
    const std::string svg = toSvg(list, {"\"><script>", "</title>"});
    EXPECT_EQ(svg.find("<script"), std::string::npos);
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_EQ(svg.find("inf"), std::string::npos);
    expectWellFormed(svg, "svg_hostile");
}

TEST(Svg, escapesWhatXmlCannotHold) {
    EXPECT_EQ(escapedXml("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
    EXPECT_EQ(escapedXml(std::string_view("\0\x01\x1b\x7f", 4)), "\uFFFD\uFFFD\uFFFD\uFFFD");
    EXPECT_EQ(escapedXml("\xFF\xC3"), "\uFFFD\uFFFD");
    EXPECT_EQ(escapedXml("line\n\ttab µ 日"), "line\n\ttab µ 日");
}

}  // namespace
}  // namespace fluxscope
