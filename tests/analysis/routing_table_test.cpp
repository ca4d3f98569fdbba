#include "profiler/analysis/routing_table.h"

#include "profiler/figure/number.h"
#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::rows;
using testing::SnapshotBuilder;

std::string shown(const FullShare& share) {
    return share.value() ? withDecimals(*share.value() * 100, 0) + "%" : "-";
}

// Columns left to right with their run, kind and share; then one line a layer.
std::string table(const RoutingTable& t) {
    std::string out = "layer";
    for (const RoutingColumn& c : t.columns) out += " " + c.promptId + "/" + std::to_string(c.run.value());
    out += " share\n";
    for (std::int32_t layer = 0; layer < t.layers; ++layer) {
        out += std::to_string(layer);
        for (std::int32_t c = 0; c < static_cast<std::int32_t>(t.columns.size()); ++c) {
            const RoutingCell& cell = t.at(layer, c);
            if (!cell.recorded) {
                out += " -";
                continue;
            }
            out += cell.full() ? " full" : " sparse";
            if (cell.fullProbability) out += ":" + withDecimals(*cell.fullProbability, 2);
            if (cell.margin) out += ":" + withDecimals(*cell.margin, 1);
            out += ":" + std::string(nameOf(cell.by));
        }
        out += " " + shown(t.layerShares[static_cast<std::size_t>(layer)]) + "\n";
    }
    out += "share";
    for (const RoutingColumn& c : t.columns) out += " " + shown(c.share);
    return out + " " + shown(t.share) + "\n";
}

TEST(RoutingTable, groupsPromptsByKindAndKeepsTheirOrderWithinIt) {
    const Snapshot s = SnapshotBuilder()
                           .layers(2)
                           .sequences(R"(
                               sequence  prompt  kind
                               0         n2      needle
                               1         code    code
                               2         n1      needle
                           )")
                           .decisions(R"(
                               sequence  layer  decision  p     threshold
                               0         0      full      0.90  0.5
                               0         1      sparse    0.25  0.5
                               1         0      sparse    0.10  0.5
                               2         0      full      0.70  0.2
                           )")
                           .build();
    const RoutingTable t = routingTable(s);
    EXPECT_EQ(rows(table(t)), rows(R"(
        layer  code/1               n2/1                   n1/1                 share
        0      sparse:0.10:-2.2:router  full:0.90:2.2:router   full:0.70:2.2:router  67%
        1      -                    sparse:0.25:-1.1:router  -                   0%
        share  0%                   50%                    100%                 50%
    )"));
    ASSERT_EQ(t.groups.size(), 2u);
    EXPECT_EQ(t.groups[0].kind, "code");
    EXPECT_EQ(t.groups[1].firstColumn, 1);
    EXPECT_EQ(t.groups[1].columns, 2);
    EXPECT_EQ(shown(t.groups[1].share), "67%");
}

TEST(RoutingTable, putsTheRunsOfOnePromptSideBySideInTheOrderAskedFor) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences(R"(
                               run  sequence  prompt  kind
                               1    0         a       k
                               1    1         b       k
                               2    0         a       k
                               3    0         a       k
                           )")
                           .decisions(R"(
                               run  sequence  layer  decision
                               1    0         0      full
                               2    0         0      sparse
                               3    0         0      full
                           )")
                           .build();
    const std::vector<RunIndex> asked{RunIndex{2}, RunIndex{1}, RunIndex{99}};
    EXPECT_EQ(rows(table(routingTable(s, asked))), rows(R"(
        layer  a/2            a/1          b/1  share
        0      sparse:policy  full:policy  -    50%
        share  0%             100%         -    50%
    )"));
}

TEST(RoutingTable, keepsThePrefillsDecisionWhenAProbeDecidesAgain) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences("sequence prompt\n 0 a")
                           .decisions(R"(
                               step  layer  decision  p    threshold  by
                               8     0      sparse    0.1  0.5        probe
                               0     0      full      0.9  0.5        router
                               16    0      sparse    0.1  0.5        probe
                           )")
                           .build();
    EXPECT_EQ(rows(table(routingTable(s))), rows(R"(
        layer  a/1                   share
        0      full:0.90:2.2:router  100%
        share  100%                  100%
    )"));
}

TEST(RoutingTable, countsHeadsWhereALayerDecidesForEachKvHead) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences("sequence prompt\n 0 a")
                           .decisions(R"(
                               layer  head  decision
                               0      0     full
                               0      1     sparse
                               0      2     sparse
                               0      3     sparse
                           )")
                           .build();
    const RoutingTable t = routingTable(s);
    EXPECT_EQ(t.at(0, 0).heads, 4);
    EXPECT_EQ(t.at(0, 0).fullHeads, 1);
    EXPECT_FALSE(t.at(0, 0).full());
    EXPECT_EQ(shown(t.share), "25%");
}

TEST(RoutingTable, givesEverySequenceOfABatchThePrefillTimeOfThatBatch) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences("sequence batch prompt\n 0 0 a\n 1 0 b\n 2 1 c")
                           .costs("batch step layer time_us\n 0 0 0 70\n 0 1 0 3\n 1 0 0 90")
                           .build();
    const RoutingTable t = routingTable(s);
    EXPECT_EQ(t.at(0, 0).prefill, Nanoseconds{70'000});
    EXPECT_EQ(t.at(0, 1).prefill, Nanoseconds{70'000});
    EXPECT_EQ(t.at(0, 2).prefill, Nanoseconds{90'000});
    EXPECT_EQ(t.columns[0].batchSequences, 2);
    EXPECT_EQ(t.timeOrigin, "measured, host timer");
}

TEST(RoutingTable, doesNotTrustAFilesLayers) {
    const Snapshot s = SnapshotBuilder()
                           .layers(2'000'000'000)
                           .sequences("sequence prompt\n 0 a")
                           .decisions("layer decision\n 2147483647 full\n -5 full\n 3 full")
                           .build();
    const RoutingTable t = routingTable(s);
    EXPECT_EQ(t.layers, kMostLayers);
    EXPECT_EQ(t.share.cells, 1);
}

TEST(RoutingTable, isEmptyWithoutRuns) {
    const RoutingTable t = routingTable(Snapshot{});
    EXPECT_EQ(t.layers, 0);
    EXPECT_TRUE(t.columns.empty());
    EXPECT_FALSE(t.share.value());
}

}  // namespace
}  // namespace fluxscope
