#include "app/protocol/lines.h"

#include <gmock/gmock.h>

#include <vector>

namespace fluxscope::protocol {
namespace {

std::vector<std::string> drained(LineSplitter& splitter) {
    std::vector<std::string> lines;
    while (auto line = splitter.next()) lines.push_back(line->tooLong ? "(too long)" : line->text);
    return lines;
}

TEST(LineSplitter, joinsWhatArrivesInPieces) {
    LineSplitter splitter;
    splitter.feed("{\"a\"");
    EXPECT_THAT(drained(splitter), testing::IsEmpty());
    splitter.feed(":1}\n{\"b\":2}\r\n\n  \n{\"c\"");
    EXPECT_THAT(drained(splitter), testing::ElementsAre("{\"a\":1}", "{\"b\":2}"));
    splitter.feed("}\n");
    EXPECT_THAT(drained(splitter), testing::ElementsAre("{\"c\"}"));
}

TEST(LineSplitter, dropsALineThatIsTooLongAndGoesOnAfterIt) {
    LineSplitter splitter{8};
    for (int piece = 0; piece < 100; ++piece) {
        splitter.feed("0123456789");
        EXPECT_THAT(drained(splitter), testing::IsEmpty());
    }
    splitter.feed("9\nshort\n0123456789\nlast\n");
    EXPECT_THAT(drained(splitter), testing::ElementsAre("(too long)", "short", "(too long)", "last"));
}

}  // namespace
}  // namespace fluxscope::protocol
