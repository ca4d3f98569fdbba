// A recorded file is sound; each kind of damage is named; one file is made of two; questions only read.
#include "profiler/capture/check.h"

#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/info.h"
#include "profiler/capture/journal.h"
#include "profiler/capture/merge.h"
#include "profiler/capture/pack.h"
#include "profiler/capture/query.h"
#include "profiler/capture/slice.h"
#include "profiler/store/capture_writer.h"
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"
#include "tests/store/device_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>

namespace fluxscope {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::rowsOf;
using testing::Scratch;

void recordDevice(const std::filesystem::path& file) {
    CaptureWriter writer(file, testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(2'000'000'000), true);
    writer.write(
        CollectorRecord{.name = "trace", .state = CollectorState::Running, .reason = "", .remedy = ""});
    writer.write(CollectorRecord{.name = "counters",
                                 .state = CollectorState::Missing,
                                 .reason = "another program counts",
                                 .remedy = "end it"});
    std::vector<KernelRecord> kernels = testing::kernelsOf(6, 4, 2'000'000'010);
    kernels.push_back(testing::kernelAt(std::nullopt, 2'100'000'000, 2'100'500'000));
    writer.write(std::span<const KernelRecord>(kernels));
    writer.endRun(Nanoseconds(3'000'000'000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
}

std::vector<std::string> sentences(const std::filesystem::path& file) {
    std::vector<std::string> said;
    for (const Violation& violation : checkCapture(file)) said.push_back(sentenceOf(violation));
    return said;
}

TEST(CheckCapture, findsNothingInWhatWasRecorded) {
    const Scratch scratch;
    testing::record(scratch.file("cpu.fluxdb"), {.layers = 3, .sequences = 2});
    EXPECT_THAT(sentences(scratch.file("cpu.fluxdb")), IsEmpty());
    recordDevice(scratch.file());
    EXPECT_THAT(sentences(scratch.file()), IsEmpty());
}

TEST(CheckCapture, namesEachRuleThatIsBroken) {
    struct Case {
        const char* harm;
        const char* says;
    };
    for (const Case& c : {
             Case{"UPDATE kernel SET place = 999 WHERE kernel = 1",
                  "kernel: 'place refers to a row of place' does not hold for 1 row: place 999"},
             Case{
                 "UPDATE kernel SET begin_ns = begin_ns + 900000000 WHERE kernel = 3",
                 "kernel: 'lies in one block of its run, and in its time' does not hold for 1 row: kernel 3"},
             Case{"UPDATE kernel SET duration_ns = duration_ns - 7 WHERE kernel = 3",
                  "layer_step: 'is the union of its kernels' does not hold for 1 row: step 0 layer 0: 60000 "
                  "ns, its "
                  "kernels: 59993 ns"},
             Case{"UPDATE overview SET busy_ns = busy_ns + 1 WHERE level = 9 AND lane = 1",
                  "overview: 'is what its definition says' does not hold for 2 rows, the first: run 1, level "
                  "9"},
             Case{"DELETE FROM kernel WHERE kernel = 2",
                  "quality: 'counts what the file has' does not hold for 1 row: run 1: 79.0 kernels, the "
                  "file has 78"},
             Case{"UPDATE kernel SET step = 3 WHERE kernel = 79",
                  "kernel: 'has an attribution that fits its place' does not hold for 1 row: kernel 79"},
             Case{"DROP TABLE sample",
                  "sample: 'is an ordinary table' does not hold for 1 row: it is missing"},
             Case{"ALTER TABLE sync ADD COLUMN more TEXT",
                  "sync: 'has the columns of its version' does not hold for 1 row"},
             Case{"UPDATE run SET end_ns = begin_ns - 1",
                  "run: 'ends after it begins, with an outcome' does not hold for 1 row: run 1"},
             Case{"INSERT INTO decision VALUES (1, 1, 0, 0, 0, 77, -1, 'full', 'policy', NULL, NULL, NULL, "
                  "NULL, NULL)",
                  "decision: 'is of a layer that the model has' does not hold for 1 row: row 1: layer 77"},
         }) {
        const Scratch scratch;
        recordDevice(scratch.file());
        ASSERT_EQ(rowsOf(scratch.file(), c.harm), "\n");
        EXPECT_THAT(sentences(scratch.file()), ::testing::Contains(HasSubstr(c.says))) << c.harm;
    }
}

TEST(CheckCapture, findsASumThatIsNotThatOfItsScopes) {
    const Scratch scratch;
    testing::record(scratch.file());
    rowsOf(scratch.file(),
           "UPDATE layer_step SET time_ns = time_ns + 1 WHERE layer = 1 AND step = 2; UPDATE token SET step "
           "= 0 WHERE step = 2");
    EXPECT_THAT(sentences(scratch.file()),
                ElementsAre("token: 'comes by turn and step' does not hold for 1 row: row 6",
                            "layer_step: 'is, in a run on a CPU, the sum of its scopes' does not hold for 1 "
                            "row: row 8: 12001 ns, 640 bytes; its scopes: 12000 ns, 640 bytes"));
}

TEST(CheckCapture, findsScopesThatShareANumber) {
    const Scratch scratch;
    testing::record(scratch.file());
    rowsOf(scratch.file(),
           "UPDATE scope_step SET members = members + 1, scopes = json_insert(scopes, '$[#]', "
           "json_array(-1, -1, '', 0, 0)) WHERE step = 1");
    EXPECT_THAT(
        sentences(scratch.file()),
        ::testing::Contains(HasSubstr("scope_step: 'has numbers of its own' does not hold for 1 row")));
}

TEST(CheckCapture, quotesAStrangersTextsOnOneLine) {
    const Scratch scratch;
    recordDevice(scratch.file());
    rowsOf(
        scratch.file(),
        "PRAGMA ignore_check_constraints = 1; UPDATE lane SET kind = 'ph' || char(10) || char(27) || '[2J' "
        "WHERE kind = 'phase'");
    const auto said = sentences(scratch.file());
    EXPECT_THAT(said, Contains(HasSubstr("ph\\x0A\\x1B[2J")));
    EXPECT_THAT(said, ::testing::Each(::testing::Not(HasSubstr("\n"))));
}

TEST(CheckCapture, goesOnBehindWhatCannotBeRead) {
    const Scratch scratch;
    recordDevice(scratch.file());
    std::string content;
    {
        std::ifstream in(scratch.file(), std::ios::binary);
        content.assign(std::istreambuf_iterator<char>(in), {});
    }
    const int page = std::stoi(
        rowsOf(scratch.file(), "SELECT rootpage FROM sqlite_schema WHERE name = 'prompt'").substr(1));
    for (std::size_t i = 0; i < 100; ++i) content[static_cast<std::size_t>(page - 1) * 4096 + i] = '\x55';
    std::ofstream(scratch.file(), std::ios::binary) << content;
    rowsOf(scratch.file(), "UPDATE run SET end_ns = begin_ns - 1");
    const auto said = sentences(scratch.file());
    EXPECT_THAT(said, ::testing::Contains(::testing::StartsWith("file: '")));
    EXPECT_THAT(said, ::testing::Contains(HasSubstr("run: 'ends after it begins, with an outcome'")));
}

// The state of a process that was killed: the log beside the file has what was recorded last.
void copyAsAfterAKill(const std::filesystem::path& from, const std::filesystem::path& to) {
    for (const char* end : {"", "-wal"}) std::filesystem::copy_file(from.string() + end, to.string() + end);
}

TEST(PackCapture, makesOneFileOfACrashedOne) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(2'000'000'000), true);
    writer.write(std::span<const KernelRecord>(testing::kernelsOf(2, 2, 2'000'000'010)));
    writer.commit();
    copyAsAfterAKill(scratch.file(), scratch.file("crashed.fluxdb"));
    EXPECT_EQ(logBeside(scratch.file()), "") << "it is being written";
    EXPECT_THAT(logBeside(scratch.file("crashed.fluxdb")),
                HasSubstr("part of it is in crashed.fluxdb-wal beside it"));

    EXPECT_THAT(packCapture(scratch.file("crashed.fluxdb"), scratch.file("whole.fluxdb")), IsEmpty());
    EXPECT_EQ(rowsOf(scratch.file("whole.fluxdb"), "SELECT count(*) FROM kernel; PRAGMA journal_mode"),
              "\n14\ndelete\n");
    EXPECT_FALSE(std::filesystem::exists(scratch.file("whole.fluxdb-wal")));
    EXPECT_THAT(sentences(scratch.file("whole.fluxdb")), IsEmpty());
    EXPECT_THAT(packCapture(scratch.file(), scratch.file("live.fluxdb")), IsEmpty())
        << "also while it is written";
    EXPECT_THROW(packCapture(scratch.file(), scratch.file("live.fluxdb")), InputError)
        << "nothing is overwritten";
}

// Each says so, and says it again: opening a file in vain for its log leaves an empty one behind.
TEST(MissingLog, isNamedByAllThatReadACapture) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(2'000'000'000), true);
    writer.write(std::span<const KernelRecord>(testing::kernelsOf(2, 2, 2'000'000'010)));
    writer.commit();
    writer.checkpoint();
    const auto alone = scratch.file("alone.fluxdb");
    std::filesystem::copy_file(scratch.file(), alone);
    for (const char* time : {"first", "again"}) {
        const auto saysSo = HasSubstr("alone.fluxdb-wal is missing beside it or empty");
        EXPECT_THAT(readCapture(alone)->problems, ElementsAre(saysSo)) << time;
        EXPECT_THAT(captureInfo(alone).problems, ElementsAre(saysSo)) << time;
        EXPECT_THAT(sentences(alone), ElementsAre(saysSo)) << time;
        EXPECT_THAT(packCapture(alone, scratch.file(std::string(time) + ".fluxdb")), ElementsAre(saysSo))
            << time;
        EXPECT_THAT(sliceCapture(alone, scratch.file(std::string("slice-") + time), {}), ElementsAre(saysSo))
            << time;
        EXPECT_THAT(mergeCaptures(scratch.file(std::string("merge-") + time), {alone}), ElementsAre(saysSo))
            << time;
    }
    EXPECT_THAT(readCapture(scratch.file())->problems, IsEmpty()) << "it is being written";
}

TEST(CutOff, isNamedByAllThatReadACapture) {
    const Scratch scratch;
    recordDevice(scratch.file());
    const auto whole = std::filesystem::file_size(scratch.file());
    std::filesystem::resize_file(scratch.file(), whole - 4096);
    const auto into = scratch.file("new.fluxdb");
    const std::function<std::vector<std::string>()> readers[] = {
        [&] { return readCapture(scratch.file())->problems; },
        [&] { return captureInfo(scratch.file()).problems; },
        [&] { return sentences(scratch.file()); },
        [&] { return packCapture(scratch.file(), into); },
        [&] { return sliceCapture(scratch.file(), into, {}); },
        [&] { return mergeCaptures(into, {scratch.file()}); }};
    for (const auto& read : readers) {
        std::vector<std::string> said;
        try {
            said = read();
        } catch (const InputError& e) {
            said = {e.what()};
        }
        EXPECT_THAT(said, Contains(HasSubstr("the file is cut off: " + std::to_string(whole - 4096) + " of " +
                                             std::to_string(whole) + " bytes are there")));
        EXPECT_FALSE(std::filesystem::exists(into)) << "nothing is made of a part";
    }
}

TEST(CaptureInfo, tellsWhatIsThere) {
    const Scratch scratch;
    recordDevice(scratch.file());
    const CaptureInfo info = captureInfo(scratch.file());
    EXPECT_EQ(info.version, 4);
    EXPECT_THAT(info.problems, IsEmpty());
    ASSERT_EQ(info.collectors.size(), 2U);
    EXPECT_EQ(info.collectors[0].reason, "another program counts");
    EXPECT_EQ(info.figures.size(), 5U);
    const auto kernels = std::ranges::find(info.tables, "kernel", &TableInfo::name);
    ASSERT_NE(kernels, info.tables.end());
    EXPECT_EQ(kernels->rows, 79);
    EXPECT_GE(kernels->bytes.value_or(4096), 4096);
}

TEST(QueryCapture, asksAndOnlyAsks) {
    const Scratch scratch;
    recordDevice(scratch.file());
    std::vector<std::string> columns;
    std::vector<std::vector<SqlValue>> rows;
    const SqlVisitor visit{.columns = [&](const auto& names) { columns = names; },
                           .row =
                               [&](const auto& row) {
                                   rows.push_back(row);
                                   return true;
                               }};
    queryCapture(
        scratch.file(),
        "-- a comment\nSELECT run, policy_name, NULL AS none, x'00ff' AS blob, 0.5 AS half FROM run; ",
        visit);
    EXPECT_THAT(columns, ElementsAre("run", "policy_name", "none", "blob", "half"));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(std::get<std::int64_t>(rows[0][0]), 1);
    EXPECT_EQ(std::get<std::string>(rows[0][1]), "routed:0.5");
    EXPECT_TRUE(std::holds_alternative<std::monostate>(rows[0][2]));
    EXPECT_EQ(std::get<SqlBlob>(rows[0][3]).bytes, std::string("\0\xFF", 2));
    for (const char* sql : {"DELETE FROM run", "SELEC 1", "SELECT * FROM CUPTI_ACTIVITY_KIND_KERNEL",
                            "ATTACH 'other.db' AS other"}) {
        EXPECT_THROW(queryCapture(scratch.file(), sql, visit), UsageError) << sql;
    }
}

}  // namespace
}  // namespace fluxscope
