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
#include <optional>
#include <sstream>
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

// A layer of one step: `ops` scopes, and the sum that says where they lie.
void writeLayer(CaptureWriter& writer, int step, int layer, int ops) {
    for (int op = 0; op < ops; ++op) {
        const ScopeKey key{.phase = Phase::Decode,
                           .step = StepIndex(step),
                           .layer = LayerIndex(layer),
                           .op = static_cast<Op>(op)};
        std::optional<cost::Cost> cost;
        if (op % 2 == 0) cost = cost::Cost{10 + op, 5, 0};
        writer.write(ScopeRecord{key, Nanoseconds(100 * op), Nanoseconds(100 * op + 50), cost});
    }
    writer.write(LayerStepRecord{.phase = Phase::Decode,
                                 .step = StepIndex(step),
                                 .layer = LayerIndex(layer),
                                 .timeSource = "host-timer"});
}

// Scopes are inserted many at once, so that a commit may come in the midst of them.
TEST(CaptureWriter, neverCommitsALayerWithoutTheScopesItRefersTo) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), kProcess);
    writer.beginRun(writer.nextRun(), testing::factsOf({.layers = 20}), {}, true);
    for (int layer = 0, scopes = 0; layer < 20; ++layer) {
        writeLayer(writer, 1, layer, 1 + layer % 8);
        writer.commit();
        scopes += 1 + layer % 8;
        std::ostringstream expected;
        expected << '\n' << layer + 1 << ' ' << scopes << ' ' << scopes << ' ' << scopes << '\n';
        EXPECT_EQ(
            rowsOf(scratch.file(),
                   "SELECT count(*), sum(last_scope - first_scope + 1), (SELECT count(*) FROM scope), "
                   "(SELECT count(*) FROM scope AS s WHERE (s.step, s.layer) = (SELECT step, layer "
                   "FROM layer_step WHERE s.scope BETWEEN first_scope AND last_scope)) FROM layer_step"),
            expected.str());
    }
    EXPECT_TRUE(writer.finish());
}

TEST(CaptureWriter, numbersScopesBehindThoseOfTheProcessesBefore) {
    const Scratch scratch;
    for (int process = 0; process < 3; ++process) {
        CaptureWriter writer(scratch.file(), kProcess);
        const RunIndex run = writer.nextRun();
        writer.beginRun(run, testing::factsOf({}), {}, true);
        for (int step = 1; step <= 20; ++step) writeLayer(writer, step, 0, 2);
        writer.endRun(Nanoseconds(1), RunOutcome::Finished, "");
        EXPECT_TRUE(writer.finish());
    }
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT run, count(*), min(scope), max(scope), count(bytes_read), sum(bytes_read) FROM "
                     "scope GROUP BY run"),
              "\n1 40 1 40 20 200\n2 40 41 80 20 200\n3 40 81 120 20 200\n");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT l.run, count(*), min(s.run = l.run AND s.step = l.step) FROM layer_step AS l "
                     "JOIN scope AS s ON s.scope BETWEEN first_scope AND last_scope GROUP BY l.run"),
              "\n1 40 1\n2 40 1\n3 40 1\n");
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
