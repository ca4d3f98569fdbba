// A slice is a sound capture with what was chosen, and every figure in it is the one that was measured.
#include "profiler/capture/slice.h"

#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/check.h"
#include "profiler/store/schema.h"
#include "tests/capture/every_table.h"
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using ::testing::ElementsAre;
using testing::EveryTable;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::rowsOf;
using testing::Scratch;

std::vector<std::string> sentences(const std::filesystem::path& file) {
    std::vector<std::string> said;
    for (const Violation& violation : checkCapture(file)) said.push_back(sentenceOf(violation));
    return said;
}

class SliceCapture : public ::testing::Test {
protected:
    SliceCapture() {
        EveryTable capture(whole_);
        capture.run("a", testing::kDecode);
        capture.run("b", "_Z5otherPfi");
        EXPECT_TRUE(capture.finish());
    }

    std::string inSlice(const SliceChoice& choice, const std::string& sql) {
        std::filesystem::remove(slice_);
        EXPECT_THAT(sliceCapture(whole_, slice_, choice), IsEmpty());
        EXPECT_THAT(sentences(slice_), IsEmpty());
        return rowsOf(slice_, sql);
    }

    const Scratch scratch_;
    const std::filesystem::path whole_ = scratch_.file("whole.fluxdb");
    const std::filesystem::path slice_ = scratch_.file("slice.fluxdb");
};

TEST_F(SliceCapture, theWholeHasARowInEveryTable) {
    EXPECT_THAT(sentences(whole_), IsEmpty());
    SQLite::Database plan(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    plan.exec(std::string(schemaSql()));
    SQLite::Statement table(plan, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    while (table.executeStep()) {
        const std::string name = table.getColumn(0).getString();
        EXPECT_EQ(rowsOf(whole_, "SELECT count(*) > 0 FROM " + name), "\n1\n") << name;
    }
}

TEST_F(SliceCapture, byRunsKeepsAllOfThemAndNothingThatOnlyOthersNamed) {
    const auto ofRun2 = [](const char* file) {
        return std::string("SELECT k.*, p.phase, p.layer, p.op, n.value FROM ") + file +
               ".kernel AS k JOIN " + file + ".place AS p USING (place) JOIN " + file +
               ".name AS n USING (name) WHERE run = 2";
    };
    const std::string attach = "ATTACH '" + whole_.string() + "' AS whole; ";
    EXPECT_EQ(inSlice({.runs = {2}}, attach + "SELECT count(*) FROM main.kernel; SELECT count(*) FROM (" +
                                         ofRun2("main") + " EXCEPT " + ofRun2("whole") +
                                         "); SELECT count(*) FROM (" + ofRun2("whole") + " EXCEPT " +
                                         ofRun2("main") + ")"),
              "\n45\n0\n0\n");
    EXPECT_EQ(
        rowsOf(slice_,
               "SELECT run FROM run; SELECT DISTINCT run FROM place; SELECT DISTINCT run FROM layer_step; "
               "SELECT group_concat(id, ' ') FROM prompt; SELECT value FROM name WHERE value LIKE '%decode%' "
               "OR value LIKE '%other%' ORDER BY name; SELECT count(*) FROM overview"),
        "\n2\n2\n2\nb0 b1\n_Z5otherPfi\nother(float*, int)\nother\n" +
            rowsOf(whole_, "SELECT count(*) FROM overview JOIN lane USING (lane) WHERE run = 2").substr(1));
    EXPECT_EQ(rowsOf(slice_, "SELECT value, source FROM environment WHERE name = 'slice'"),
              "\nruns 2 of whole.fluxdb capture slice\n");
}

TEST_F(SliceCapture, byStepsKeepsTheirLayersAsTheyWereMeasured) {
    const std::string costs =
        "SELECT run, phase, step, layer, begin_ns, time_ns, kernels, bytes_read, flops FROM layer_step "
        "WHERE run = 1 AND step IN (0, 3) ORDER BY row";
    EXPECT_EQ(inSlice({.runs = {1}, .steps = {{0, 1}, {3, 4}}}, costs), rowsOf(whole_, costs));
    // Of two steps of five: embed and two kernels in each of three layers, and nobody's two of each.
    EXPECT_EQ(rowsOf(slice_,
                     "SELECT step, count(*) FROM kernel GROUP BY step; SELECT DISTINCT step FROM layer_step "
                     "ORDER BY 1; SELECT "
                     "DISTINCT step FROM scope ORDER BY 1; SELECT step, count(*) FROM api GROUP BY step; "
                     "SELECT count(*) FROM sync; "
                     "SELECT count(*) FROM sample; SELECT count(*) FROM memset; SELECT DISTINCT step FROM "
                     "memcpy ORDER BY 1; "
                     "SELECT DISTINCT step FROM traffic ORDER BY 1"),
              "\n-1 4\n0 7\n3 7\n0\n3\n0\n3\n0 7\n3 7\n2\n2\n2\n0\n3\n0\n3\n");
    EXPECT_EQ(
        rowsOf(slice_,
               "SELECT count(*), count(DISTINCT step) FROM token WHERE step >= 0; SELECT count(*) FROM "
               "decision; "
               "SELECT count(*) FROM kv; SELECT count(*) FROM fidelity; SELECT count(*) FROM token_choice"),
        "\n10 5\n6\n6\n10\n20\n")
        << "what was said and decided stays whole";
    EXPECT_EQ(
        rowsOf(slice_, "SELECT figure, value FROM quality ORDER BY figure"),
        "\nbad_timestamps 2.0\ndropped_none 1.0\nkernel_ns 424000.0\nkernels 18.0\nunattributed_kernels "
        "4.0\nunattributed_ns 4000.0\n");
    EXPECT_EQ(rowsOf(slice_, "SELECT DISTINCT phase FROM place ORDER BY 1; SELECT count(*) FROM graph_node"),
              "\n\ndecode\nprefill\n3\n");
}

TEST_F(SliceCapture, byTimeKeepsTheLayersThatBeginInIt) {
    // Step 1 begins 1.001 ms after its run, its layers 0.11 ms later and 0.2 ms apart, on the device.
    EXPECT_EQ(inSlice({.times_ns = {{1'100'000, 1'400'000}}},
                      "SELECT run, step, layer, kernels FROM layer_step ORDER BY row"),
              "\n1 1 0 2\n1 1 1 2\n2 1 0 2\n2 1 1 2\n");
    EXPECT_EQ(rowsOf(slice_, "SELECT value FROM environment WHERE name = 'slice'"),
              "\nseconds 0.0011:0.0014 of whole.fluxdb\n");
    // Nobody's go by themselves: those of step 0, at 0.851 ms.
    EXPECT_EQ(inSlice({.times_ns = {{850'000, 860'000}, {1'100'000, 1'300'000}}},
                      "SELECT count(*) FROM kernel WHERE step = -1; SELECT count(*) FROM overhead; SELECT "
                      "count(*) FROM "
                      "kernel WHERE step >= 0"),
              "\n4\n2\n4\n");
    EXPECT_EQ(inSlice({.runs = {1}, .steps = {{1, 3}}, .times_ns = {{0, 1'400'000}}},
                      "SELECT step, layer FROM layer_step ORDER BY row"),
              "\n1 0\n1 1\n1 -1\n")
        << "what is given must all hold";
}

TEST_F(SliceCapture, ofASliceSaysBoth) {
    inSlice({.runs = {1}}, "SELECT 1");
    sliceCapture(slice_, scratch_.file("again.fluxdb"), {.steps = {{2, 4}}});
    EXPECT_THAT(sentences(scratch_.file("again.fluxdb")), IsEmpty());
    EXPECT_EQ(rowsOf(scratch_.file("again.fluxdb"), "SELECT value FROM environment WHERE name = 'slice'"),
              "\nsteps 2:4 of slice.fluxdb, itself runs 1 of whole.fluxdb\n");
    EXPECT_THAT(readCapture(scratch_.file("again.fluxdb"))->problems, IsEmpty());
}

TEST_F(SliceCapture, ofACpuRunIsTheSumOfItsScopes) {
    testing::record(scratch_.file("cpu.fluxdb"), {.layers = 3, .sequences = 2, .decodeSteps = 4});
    sliceCapture(scratch_.file("cpu.fluxdb"), slice_, {.steps = {{1, 3}}});
    EXPECT_THAT(sentences(slice_), IsEmpty());
    EXPECT_EQ(rowsOf(slice_,
                     "SELECT DISTINCT step FROM layer_step ORDER BY 1; SELECT count(*) > 0 FROM overview; "
                     "SELECT DISTINCT phase "
                     "FROM lane WHERE kind = 'phase'"),
              "\n1\n2\n1\ndecode\n");
}

TEST_F(SliceCapture, ofARunOverItsBudgetKeepsWhatCannotBeMadeAgain) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(2'000'000'000), true);
    writer.setRecordBudget(30);
    writer.write(std::span<const KernelRecord>(testing::kernelsOf(6, 4, 2'000'000'010)));
    writer.endRun(Nanoseconds(3'000'000'000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
    sliceCapture(scratch.file(), slice_, {.steps = {{0, 4}}});
    EXPECT_THAT(sentences(slice_), IsEmpty());
    EXPECT_EQ(
        rowsOf(slice_,
               "SELECT count(*) FROM kernel; SELECT count(DISTINCT step) FROM layer_step; SELECT value FROM "
               "quality WHERE figure = 'kernels'"),
        "\n30\n4\n78.0\n");
    const std::string overview = "SELECT count(*), sum(busy_ns) FROM overview";
    EXPECT_EQ(rowsOf(slice_, overview), rowsOf(scratch.file(), overview));
}

TEST_F(SliceCapture, refusesWhatLeavesNothingAndLeavesNoFile) {
    const auto refused = [this](const SliceChoice& choice) -> std::string {
        try {
            sliceCapture(whole_, slice_, choice);
        } catch (const UsageError& e) {
            EXPECT_FALSE(std::filesystem::exists(slice_));
            return e.what();
        }
        return "made";
    };
    EXPECT_THAT(refused({.runs = {1, 7}}), HasSubstr("finds no run 7 in "));
    EXPECT_THAT(refused({.steps = {{9, 12}}}),
                HasSubstr("leaves nothing of " + whole_.string() +
                          "; its steps are 0 to 4 and begin up to 0.005 s after their run"));
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(scratch_.folder()))
        left.push_back(entry.path().filename());
    EXPECT_THAT(left, ElementsAre("whole.fluxdb"));
}

TEST_F(SliceCapture, overwritesNothing) {
    EXPECT_THROW(sliceCapture(whole_, whole_, {}), InputError);
    EXPECT_THAT(sentences(whole_), IsEmpty());
}

TEST_F(SliceCapture, isCancelledWithoutAFile) {
    CancelToken cancel;
    EXPECT_THROW(sliceCapture(whole_, slice_, {.steps = {{0, 2}}},
                              {.cancel = &cancel,
                               .progress =
                                   [&cancel](const std::string& what) {
                                       if (what == "kernel") cancel.cancel();
                                   }}),
                 CancelledError);
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(scratch_.folder()))
        left.push_back(entry.path().filename());
    EXPECT_THAT(left, ElementsAre("whole.fluxdb"));
}

TEST_F(SliceCapture, isMadeWhileTheRunGoesOn) {
    EveryTable live(scratch_.file("live.fluxdb"));
    live.run("a");
    live.writer().commit();
    sliceCapture(scratch_.file("live.fluxdb"), slice_, {.steps = {{0, 1}}});
    EXPECT_THAT(sentences(slice_), IsEmpty());
    EXPECT_TRUE(live.finish());
}

}  // namespace
}  // namespace fluxscope
