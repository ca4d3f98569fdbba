#include "profiler/store/capture_writer.h"

#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/store/schema.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace fluxscope {
namespace {

using testing::rowsOf;
using testing::Scratch;

const ProcessRecord kProcess{
    .host = "here", .pid = 1, .program = "test", .collector = "auto", .environment = {{"a", "b", "c"}}};

DecisionRecord decisionOf(int layer) {
    return {.sequence = {},
            .turn = {},
            .step = {},
            .layer = LayerIndex(layer),
            .decision = {.attention = Attention::Sparse}};
}

TEST(CaptureWriter, showsReadersWhatIsCommittedAndNothingElse) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), kProcess);
    writer.beginRun(writer.nextRun(), testing::factsOf({}), Nanoseconds(5), true);
    writer.write(decisionOf(0));
    EXPECT_GT(writer.uncommittedRows(), 0U);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*) FROM decision"), "\n0\n");
    writer.commit();
    EXPECT_EQ(writer.uncommittedRows(), 0U);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*) FROM decision"), "\n1\n");
}

TEST(CaptureWriter, leavesOutWhatIsToldTwice) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), kProcess);
    writer.beginRun(writer.nextRun(), testing::factsOf({}), {}, true);
    writer.write(decisionOf(0));
    writer.write(decisionOf(0));
    writer.write(decisionOf(1));
    EXPECT_EQ(writer.repeatedRows(), 1);
    EXPECT_TRUE(writer.finish());
    EXPECT_EQ(
        rowsOf(scratch.file(), "SELECT layer, attention, decided_by, logit_full, threshold FROM decision"),
        "\n0 sparse policy - -\n1 sparse policy - -\n");
}

TEST(CaptureWriter, replacesTheSumOfALayerThatGrows) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), kProcess);
    writer.beginRun(writer.nextRun(), testing::factsOf({}), {}, true);
    LayerStepRecord step{.layer = LayerIndex(0), .time = Nanoseconds(10), .timeSource = "host-timer"};
    writer.write(step);
    step.time = Nanoseconds(25);
    writer.write(step);
    EXPECT_TRUE(writer.finish());
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT row, time_ns, first_scope FROM layer_step"), "\n1 25 -\n");
}

TEST(CaptureWriter, storesAPromptOnceAndItsTextWhenItIsFirstAllowed) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), kProcess);
    const RunFacts facts = testing::factsOf({});
    writer.beginRun(RunIndex(1), facts, {}, false);
    writer.commit();
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT text FROM prompt"), "\n-\n");
    writer.beginRun(RunIndex(2), facts, {}, true);
    writer.beginRun(RunIndex(3), facts, {}, false);
    EXPECT_TRUE(writer.finish());
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT prompt, text, answer FROM prompt"), "\n1 a prompt0 42\n");
}

TEST(CaptureWriter, tellsPromptsOfTheSameNameApartByTheirTextOrTheirIds) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), kProcess);
    RunFacts facts = testing::factsOf({});
    writer.beginRun(RunIndex(1), facts, {}, true);
    facts.sequences[0].text = "another text";
    writer.beginRun(RunIndex(2), facts, {}, true);
    facts.sequences[0].text.clear();  // given as ids
    writer.beginRun(RunIndex(3), facts, {}, true);
    facts.sequences[0].promptIds[1] = TokenId(63);
    writer.beginRun(RunIndex(4), facts, {}, true);
    EXPECT_TRUE(writer.finish());
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*), count(DISTINCT hash) FROM prompt"), "\n4 4\n");
}

TEST(CaptureWriter, saysWhenAReaderKeepsTheFileFromBecomingOne) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), kProcess);
    sqlite3* reader = nullptr;
    ASSERT_EQ(sqlite3_open_v2(scratch.file().c_str(), &reader, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(reader, "BEGIN; SELECT * FROM process", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_FALSE(writer.finish());
    sqlite3_close(reader);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT host FROM process"), "\nhere\n");
}

TEST(CaptureWriter, fillsAnEmptyFile) {
    const Scratch scratch;
    std::ofstream(scratch.file()).flush();
    CaptureWriter writer(scratch.file(), kProcess);
    EXPECT_EQ(writer.nextRun(), RunIndex(1));
}

// As a recorder leaves it that is killed while it writes the schema.
void killedWhileMaking(const std::filesystem::path& file) {
    const pid_t child = ::fork();
    if (child == 0) {
        sqlite3* database = nullptr;
        sqlite3_open(file.c_str(), &database);
        std::string sql = "PRAGMA cache_size = 1; BEGIN IMMEDIATE;";
        for (int n = 0; n < 200; ++n) sql += "CREATE TABLE t" + std::to_string(n) + "(a, b);";
        ::_exit(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
    ASSERT_GT(std::filesystem::file_size(file), 0U);
    ASSERT_TRUE(std::filesystem::exists(file.string() + "-journal"));
}

TEST(CaptureWriter, takesBackWhatARecorderLeftThatWasKilledInItsFirstMoment) {
    const Scratch scratch;
    killedWhileMaking(scratch.file());
    try {
        readCapture(scratch.file());
        ADD_FAILURE() << "half a schema was read";
    } catch (const InputError& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("its writer was killed in the midst"));
    }
    {
        const CaptureWriter writer(scratch.file(), kProcess);
    }
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*) FROM process"), "\n1\n");
}

TEST(CaptureWriter, refusesAFolder) {
    const Scratch scratch;
    EXPECT_THROW(CaptureWriter(scratch.folder(), kProcess), InputError);
}

// A trigger that somebody planted would run with each row that we write.
TEST(CaptureWriter, runsNoTriggerOfAFileItAppendsTo) {
    const Scratch scratch;
    {
        CaptureWriter writer(scratch.file(), kProcess);
        EXPECT_TRUE(writer.finish());
    }
    rowsOf(scratch.file(),
           "CREATE TABLE sprung (a); CREATE TRIGGER trap AFTER INSERT ON process BEGIN INSERT INTO sprung "
           "VALUES (1); END");
    CaptureWriter writer(scratch.file(), kProcess);
    EXPECT_TRUE(writer.finish());
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT (SELECT count(*) FROM process), (SELECT count(*) FROM sprung)"),
              "\n2 0\n");
}

TEST(CaptureWriter, saysWhatIsWrongWithATableThatIsNone) {
    const Scratch scratch;
    rowsOf(scratch.file(),
           std::string(schemaSql()) + "; DROP TABLE decision; CREATE VIEW decision AS SELECT 1 AS run");
    EXPECT_THROW(CaptureWriter(scratch.file(), kProcess), MachineError);
}

}  // namespace
}  // namespace fluxscope
