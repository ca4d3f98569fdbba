// The overview of a run on a CPU, which begins at level 2 or at level 0: how it is read, checked, cut and put together.
#include "profiler/capture/check.h"
#include "profiler/capture/merge.h"
#include "profiler/capture/overview_lanes.h"
#include "profiler/capture/slice.h"
#include "profiler/store/capture_writer.h"
#include "profiler/store/overview.h"
#include "profiler/store/overview_rows.h"
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"
#include "tests/store/device_run.h"
#include "tests/store/overview_definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fluxscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::rowsOf;

// One run of 21.8 ms: 84 buckets of level 0, 6 of level 2. In `brief` it begins at level 2, in `whole` at level 0.
class CpuOverview : public ::testing::Test {
protected:
    CpuOverview() {
        testing::record(brief_, {.layers = 3, .decodeSteps = 200});
        std::filesystem::copy(brief_, whole_);
        testing::addFinestLevels(whole_);
    }

    static std::vector<std::string> sentences(const std::filesystem::path& file) {
        std::vector<std::string> said;
        for (const Violation& violation : checkCapture(file)) said.push_back(sentenceOf(violation));
        return said;
    }

    const testing::Scratch scratch_;
    const std::filesystem::path brief_ = scratch_.file("brief.fluxdb");
    const std::filesystem::path whole_ = scratch_.file("whole.fluxdb");
};

std::string textOf(const RunOverview& overview) {
    std::string text = "\n";
    for (const OverviewBuckets& lane : overview.lanes)
        for (std::size_t i = 0; i < lane.size(); ++i)
            text += std::to_string(lane.layer ? lane.layer->value() : -1) + " " +
                    std::to_string(lane.bucket[i]) + " " + std::to_string(lane.busy_ns[i]) + " " +
                    std::to_string(lane.events[i]) + " " + std::string(nameOf(lane.op[i].value())) + "\n";
    return text;
}

TEST_F(CpuOverview, isReadAtTheFinestLevelThatFitsAndTheFileHas) {
    struct Case {
        std::size_t buckets;
        int ofBrief;
        int ofWhole;
    };
    for (const auto& [buckets, ofBrief, ofWhole] :
         {Case{1000, 2, 0}, {84, 2, 0}, {83, 2, 1}, {20, 2, 2}, {6, 2, 2}, {5, 3, 3}, {1, 4, 4}, {0, 9, 9}}) {
        for (const auto& [file, level] : {std::pair(brief_, ofBrief), {whole_, ofWhole}}) {
            const RunOverview overview = readOverview(file, RunIndex{1}, buckets);
            EXPECT_EQ(overview.level, level) << file.filename() << ", " << buckets;
            EXPECT_EQ(overview.width.count(), std::int64_t{1} << overviewShift(level));
            EXPECT_EQ(textOf(overview),
                      rowsOf(file,
                             "SELECT layer, bucket, busy_ns, events, op FROM overview JOIN lane USING (lane) "
                             "WHERE level = " +
                                 std::to_string(level) + " ORDER BY lane, bucket"));
            EXPECT_THAT(overview.problems, IsEmpty());
        }
    }
}

TEST_F(CpuOverview, isSoundInBothFormsAndInNoOther) {
    EXPECT_THAT(sentences(brief_), IsEmpty());
    EXPECT_THAT(sentences(whole_), IsEmpty());
    const std::string ofOne =
        "overview: 'is what its definition says' does not hold for 1 row: run 1, level ";
    struct Case {
        const std::filesystem::path& file;
        const char* harm;
        std::string says;
        const char* ends;
    };
    for (const Case& c : {
             Case{brief_, "DELETE FROM overview WHERE level = 2 AND lane = 1 AND bucket = 0",
                  ofOne + "2 phase prefill", "is missing"},
             Case{brief_, "DELETE FROM overview WHERE level = 9 AND lane = 2", ofOne + "9", "is missing"},
             Case{brief_, "INSERT INTO overview VALUES (3, 1, 77, 5, 1, 'mlp')", ofOne + "3",
                  "bucket 77: 5 ns, 1 events, 'mlp' should not be there"},
             Case{brief_, "INSERT INTO overview VALUES (0, 1, 0, 5, 1, 'mlp')", ofOne + "0",
                  "bucket 0: 5 ns, 1 events, 'mlp' should not be there"},
             Case{brief_,
                  "UPDATE overview SET busy_ns = busy_ns + 1 WHERE level = 2 AND lane = 2 AND bucket = 0",
                  "does not hold for 2 rows, the first: run 1, level 2 ", "is missing"},
             Case{whole_, "DELETE FROM overview WHERE level = 0 AND lane = 1 AND bucket = 0",
                  ofOne + "0 phase prefill", "is missing"},
             Case{whole_, "DELETE FROM overview WHERE level = 3 AND lane = 2 AND bucket = 1", ofOne + "3",
                  "is missing"},
             Case{whole_, "INSERT INTO overview VALUES (1, 1, 77, 5, 1, 'mlp')", ofOne + "1",
                  "bucket 77: 5 ns, 1 events, 'mlp' should not be there"},
             Case{whole_,
                  "UPDATE overview SET events = events + 1 WHERE level = 1 AND lane = 2 AND bucket = 0",
                  "does not hold for 2 rows, the first: run 1, level 1 ", "is missing"},
         }) {
        const testing::Scratch scratch;
        std::filesystem::copy(c.file, scratch.file());
        ASSERT_EQ(rowsOf(scratch.file(), std::string(c.harm) + "; SELECT changes()"), "\n1\n") << c.harm;
        EXPECT_THAT(sentences(scratch.file()),
                    ElementsAre(::testing::AllOf(HasSubstr(c.says), ::testing::EndsWith(c.ends))))
            << c.harm;
    }
    // Half of the two levels is neither form.
    ASSERT_EQ(rowsOf(whole_, "DELETE FROM overview WHERE level = 0"), "\n");
    EXPECT_THAT(sentences(whole_), ElementsAre(HasSubstr("level 1 ")));
}

TEST_F(CpuOverview, ofADeviceBeginsAtLevel0) {
    const std::filesystem::path file = scratch_.file("device.fluxdb");
    CaptureWriter writer(file, testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(2'000'000'000), true);
    writer.write(std::span<const KernelRecord>(testing::kernelsOf(6, 4, 2'000'000'010)));
    writer.endRun(Nanoseconds(3'000'000'000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
    ASSERT_THAT(sentences(file), IsEmpty());
    ASSERT_EQ(rowsOf(file, "DELETE FROM overview WHERE level < 2"), "\n");
    EXPECT_THAT(sentences(file), ElementsAre(HasSubstr("level 0 ")));
}

TEST_F(CpuOverview, isCutAndPutTogetherInBothForms) {
    const std::string levels =
        "SELECT run, min(level), max(level) FROM overview JOIN lane USING (lane) GROUP BY run";
    const std::filesystem::path both = scratch_.file("both.fluxdb");
    // Of another prompt: a merge refuses a run that it has already.
    const std::filesystem::path other = scratch_.file("other.fluxdb");
    testing::record(other, {.layers = 3, .decodeSteps = 10, .promptId = "other-"});
    mergeCaptures(both, {whole_, other});
    EXPECT_THAT(sentences(both), IsEmpty());
    EXPECT_EQ(rowsOf(both, levels), "\n1 0 9\n2 2 9\n");

    const std::filesystem::path run = scratch_.file("run.fluxdb"), steps = scratch_.file("steps.fluxdb");
    sliceCapture(whole_, run, {.runs = {1}});
    EXPECT_THAT(sentences(run), IsEmpty());
    EXPECT_EQ(rowsOf(run, levels), "\n1 0 9\n") << "copied";
    sliceCapture(whole_, steps, {.steps = {{20, 60}}});
    EXPECT_THAT(sentences(steps), IsEmpty());
    EXPECT_EQ(rowsOf(steps, levels), "\n1 2 9\n") << "made afresh";
}

// Each would fill millions of buckets: hours of work and all memory, which a few bytes of a damaged file can ask for.
TEST_F(CpuOverview, isNotSummedUpAgainOverIntervalsOfDays) {
    ASSERT_EQ(
        rowsOf(brief_,
               "UPDATE scope_row SET end_ns = begin_ns + (1 << 50) WHERE op <> ''; SELECT changes() > 0"),
        "\n1\n");
    std::vector<std::string> said;
    checkCapture(brief_, [&said](const std::string& what) { said.push_back(what); });
    EXPECT_THAT(said, ::testing::Contains(HasSubstr("overview of run 1: not looked at")));

    ASSERT_EQ(rowsOf(brief_, "DELETE FROM overview; DELETE FROM lane"), "\n");
    buildOverviews(brief_);
    EXPECT_EQ(rowsOf(brief_, "SELECT count(*) FROM lane"), "\n0\n") << "it has none, as before";
}

}  // namespace
}  // namespace fluxscope
