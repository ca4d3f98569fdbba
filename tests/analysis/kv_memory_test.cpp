#include "profiler/analysis/kv_memory.h"

#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::rows;
using testing::SnapshotBuilder;

std::string bytes(const KvBytes& b) {
    return std::to_string(static_cast<long long>(b.kept)) + " " +
           std::to_string(static_cast<long long>(b.freed)) + " " +
           std::to_string(static_cast<long long>(b.full()));
}

SnapshotBuilder twoSequences() {
    return SnapshotBuilder()
        .layers(2)
        .sequences("sequence batch prompt tokens\n 0 0 a 100\n 1 1 b 200")
        .kv(R"(
            sequence  step  layer  kept  freed
            0         0     0      100   0
            0         0     1      30    70
            1         0     0      200   0
            1         0     1      200   0
            1         4     1      30    170
        )");
}

TEST(KvMemory, showsKeptFreedAndFullByLayerSequenceAndBatch) {
    const KvMemory m = kvMemory(twoSequences().build(), RunIndex{1});
    std::string text = "what kept freed full\n";
    for (const KvLayer& l : m.layers)
        text += "L" + std::to_string(l.layer.value()) + " " + bytes(l.bytes) + "\n";
    for (const KvSequence& s : m.sequences) text += s.promptId + " " + bytes(s.bytes) + "\n";
    for (const KvBatch& b : m.batches)
        text += "batch" + std::to_string(b.batch.value()) + " " + bytes(b.bytes) + "\n";
    text += "total " + bytes(m.total) + "\n";
    EXPECT_EQ(rows(text), rows(R"(
        what    kept  freed  full
        L0      300   0      300
        L1      60    240    300
        a       130   70     200
        b       230   170    400
        batch0  130   70     200
        batch1  230   170    400
        total   360   240    600
    )"));
    EXPECT_DOUBLE_EQ(m.total.freedShare(), 0.4);
}

TEST(KvMemory, followsAProbeOverSteps) {
    const KvMemory m = kvMemory(twoSequences().build(), RunIndex{1}, SequenceIndex{1});
    std::string text = "step kept freed full\n";
    for (const KvMoment& moment : m.moments)
        text += std::to_string(moment.step.value()) + " " + bytes(moment.bytes) + "\n";
    EXPECT_EQ(rows(text), rows(R"(
        step  kept  freed  full
        0     400   0      400
        4     230   170    400
    )"));
}

TEST(KvMemory, isEmptyWhereNothingIsRecordedAndLeavesOutWhatCannotBe) {
    EXPECT_TRUE(kvMemory(twoSequences().build(), RunIndex{9}).empty());
    const Snapshot s =
        SnapshotBuilder().sequences("sequence prompt\n 0 a").kv("layer kept freed\n 0 -5 3\n 1 0 0").build();
    const KvMemory m = kvMemory(s, RunIndex{1});
    ASSERT_EQ(m.layers.size(), 1u);
    EXPECT_EQ(m.total.freedShare(), 0);
}

}  // namespace
}  // namespace fluxscope
