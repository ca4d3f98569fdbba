// A disk that becomes full at any moment, and another program that holds the file: the run goes on, one sentence says what happened,
// and what was committed before is kept.
#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/record/recorder.h"
#include "profiler/store/writing_lock.h"
#include "tests/record/full_disk.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"
#include "tests/record/sound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <thread>

namespace fluxscope {
namespace {

using testing::expectSound;
using testing::FakeClock;
using testing::FullDisk;
using testing::rowsOf;
using testing::Scratch;
using testing::ScriptedRun;
using namespace std::chrono_literals;

constexpr int kRuns = 3;
constexpr int kSteps = 120;  // and prefill

// Runs of four layers, each told to the end whatever becomes of its record.
RecorderStatus recordRuns(const std::filesystem::path& file) {
    const FakeClock clock;
    Recorder recorder(file, {.clock = clock.reader()});
    for (int run = 1; run <= kRuns; ++run) {
        ScriptedRun(recorder, clock, {.layers = 4, .decodeSteps = kSteps}).run();
        EXPECT_EQ(recorder.currentRun(), RunIndex(run));
    }
    recorder.finish();
    return recorder.status();
}

// What is there is whole: runs that ended have everything, the one in progress its beginning without a gap.
void expectWholeUpToWhereItEnds(const std::filesystem::path& file, const std::string& which) {
    if (!std::filesystem::exists(file) || std::filesystem::file_size(file) == 0) return;
    const SnapshotPtr snapshot = readCapture(file);
    EXPECT_THAT(snapshot->problems, ::testing::IsEmpty()) << which;
    EXPECT_FALSE(snapshot->live) << which;
    expectSound(file, which);
    // After those, for whoever opens it with the right to write moves its log into it.
    EXPECT_EQ(rowsOf(file, "PRAGMA integrity_check"), "\nok\n") << which;
    EXPECT_EQ(
        rowsOf(file,
               "SELECT run, n, last FROM (SELECT run, count(*) AS n, max(step) AS last FROM token WHERE "
               "step >= 0 GROUP BY run) WHERE n <> last + 1"),
        "\n")
        << which << ": a gap in its tokens";
    EXPECT_EQ(rowsOf(file,
                     "SELECT run FROM run AS r WHERE outcome IS NOT NULL AND ((SELECT count(*) FROM token AS "
                     "t WHERE t.run = r.run AND step >= 0) <> " +
                         std::to_string(kSteps + 1) +
                         " OR (SELECT count(*) FROM decision AS d WHERE d.run = r.run) <> 4)"),
              "\n")
        << which << ": an ended run that is not whole";
}

TEST(FullDisk, atAnyMomentEndsTheRecordingInOneSentenceAndKeepsWhatWasCommitted) {
    std::int64_t bytes = 0;
    {
        const Scratch scratch;
        const FullDisk disk;
        EXPECT_EQ(recordRuns(scratch.file()).problem.value_or("none"), "none");
        bytes = disk.bytesGrown() * 4 / 5;  // how long the log becomes depends on when it is committed
    }
    constexpr int kMoments = 60;
    int runsKept = 0;
    for (int moment = 0; moment < kMoments; ++moment) {
        const Scratch scratch;
        const std::int64_t room = bytes * moment / kMoments + moment;  // also in the middle of a page
        const std::string which = "room for " + std::to_string(room) + " bytes";
        RecorderStatus status;
        {
            const FullDisk disk(room);
            status = recordRuns(scratch.file());
        }
        EXPECT_THAT(
            status.problem.value_or("none"),
            ::testing::EndsWith("cannot grow, the disk is full; free some space; what was recorded up to "
                                "then is kept"))
            << which;
        EXPECT_FALSE(std::filesystem::exists(scratch.file("run.fluxdb-writing"))) << which;
        expectWholeUpToWhereItEnds(scratch.file(), which);
        if (std::filesystem::exists(scratch.file()) && std::filesystem::file_size(scratch.file()) > 0)
            runsKept += static_cast<int>(readCapture(scratch.file())->runs.size());
    }
    EXPECT_GT(runsKept, 0);  // how many depends on when they are committed
    EXPECT_LT(runsKept, kMoments * kRuns);
}

TEST(FullDisk, countsWhatIsLost) {
    const Scratch scratch;
    const FullDisk disk(400'000);
    EXPECT_GT(recordRuns(scratch.file()).dropped, 0);
}

// A file system of one megabyte, where this machine lets us mount one.
TEST(FullDisk, ofTheSystemIsNoDifferent) {
    const Scratch scratch, roomy;
    constexpr int kNotAllowed = 77;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        if (::unshare(::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
            ::_exit(kNotAllowed);
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        if (::mount("small", scratch.folder().c_str(), "tmpfs", 0, "size=1m") != 0) ::_exit(kNotAllowed);
        const FakeClock clock;
        Recorder recorder(scratch.file(), {.clock = clock.reader()});
        ScriptedRun(recorder, clock, {.layers = 4, .decodeSteps = 2}).run();
        // The others would fill the disk before this one is committed.
        for (int look = 0; look < 1000 && rowsOf(scratch.file(), "SELECT outcome FROM run") != "\nfinished\n";
             ++look)
            std::this_thread::sleep_for(10ms);
        for (int run = 0; run < 20; ++run)
            ScriptedRun(recorder, clock, {.layers = 4, .decodeSteps = 200}).run();
        recorder.finish();
        const std::string problem = recorder.status().problem.value_or("none");
        const bool isSaid = problem.find("what was recorded up to then is kept") != std::string::npos;
        // SQLite itself needs room to open a file with a log: it is read where there is some.
        for (const char* part : {"run.fluxdb", "run.fluxdb-wal"}) {
            std::error_code absent;
            std::filesystem::copy_file(scratch.file(part), roomy.file(part), absent);
        }
        const bool isWhole = !readCapture(roomy.file())->runs.empty() &&
                             testing::faultsOf(roomy.file()).empty() &&
                             rowsOf(roomy.file(), "PRAGMA integrity_check") == "\nok\n";
        if (!isSaid || !isWhole) std::fprintf(stderr, "%s\n", problem.c_str());
        ::_exit((isSaid ? 0 : 1) + (isWhole ? 0 : 2));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNotAllowed)
        GTEST_SKIP() << "this machine lets nobody mount: the disk above stands for it";
    EXPECT_EQ(status, 0) << "1: not said, 2: not whole";
}

// An SQLite shell in a transaction.
class OtherProgram {
public:
    explicit OtherProgram(const std::filesystem::path& file) {
        sqlite3_open(file.c_str(), &database_);
        sqlite3_busy_timeout(database_, 30'000);
        holds_ = sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK;
        EXPECT_TRUE(holds_) << sqlite3_errmsg(database_);
    }
    ~OtherProgram() {
        letGo();
        sqlite3_close(database_);
    }
    OtherProgram(const OtherProgram&) = delete;
    OtherProgram& operator=(const OtherProgram&) = delete;

    void letGo() {
        if (holds_) sqlite3_exec(database_, "COMMIT", nullptr, nullptr, nullptr);
        holds_ = false;
    }

private:
    sqlite3* database_ = nullptr;
    bool holds_ = false;
};

void expectEverythingOf(const std::filesystem::path& file, int steps) {
    EXPECT_EQ(rowsOf(file, "SELECT outcome, dropped FROM run"), "\nfinished 0\n");
    EXPECT_EQ(rowsOf(file, "SELECT count(*), max(step) FROM token WHERE step >= 0"),
              "\n" + std::to_string(steps + 1) + " " + std::to_string(steps) + "\n");
    EXPECT_EQ(rowsOf(file, "SELECT count(*) FROM decision"), "\n2\n");
    EXPECT_EQ(rowsOf(file, "SELECT value > 0 FROM quality WHERE figure = 'held_up_ms'"), "\n1\n");
    expectSound(file);
}

TEST(AnotherProgram, thatHoldsTheFileForAMomentCostsNothing) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    ScriptedRun run(recorder, clock, {});
    run.begin();
    {
        const OtherProgram other(scratch.file());
        for (int step = 0; step < 20; ++step) run.pass(step);
        std::this_thread::sleep_for(600ms);
    }
    run.pass(20);
    run.end();
    recorder.finish();
    EXPECT_EQ(recorder.status().problem.value_or("none"), "none");
    expectEverythingOf(scratch.file(), 20);
}

TEST(AnotherProgram, thatHoldsTheFileForLongIsNamedAndWaitedFor) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    ScriptedRun run(recorder, clock, {});
    run.begin();
    {
        const OtherProgram other(scratch.file());
        for (int step = 0; step < 20; ++step) run.pass(step);
        while (!recorder.status().problem) std::this_thread::sleep_for(20ms);
        EXPECT_EQ(
            *recorder.status().problem,
            "the capture: is held by another program; close what has it open, such as an SQLite shell in a "
            "transaction");
    }
    run.pass(20);
    run.end();
    recorder.finish();
    EXPECT_EQ(recorder.status().problem.value_or("none"), "none");
    expectEverythingOf(scratch.file(), 20);
}

TEST(AnotherProgram, thatNeverLetsGoEndsTheRecordingAndWhatIsLostIsCounted) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    ScriptedRun run(recorder, clock, {});
    run.begin();
    run.pass(0);
    while (rowsOf(scratch.file(), "SELECT count(*) FROM token WHERE step = 0") != "\n1\n")
        std::this_thread::sleep_for(20ms);
    {
        const OtherProgram other(scratch.file());
        for (int step = 1; step <= 10; ++step) run.pass(step);
        run.end();
        recorder.finish();
        EXPECT_THAT(recorder.status().problem.value_or("none"),
                    ::testing::HasSubstr("is held by another program"));
    }
    // In each step 1 token, 7 scopes, and 3 sums, of which those of layers were told as they grew; one sum lacks the next step.
    EXPECT_GE(recorder.status().dropped, 10 * (1 + 7));
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT outcome FROM run; SELECT max(step) FROM token"), "\n-\n0\n");
    expectSound(scratch.file());
}

RecorderOptions onAnotherMachine(const FakeClock& clock) {
    RecorderOptions options;
    options.clock = clock.reader();
    options.isRemote = [](const std::filesystem::path&) { return true; };
    return options;
}

TEST(FolderOfAnotherMachine, getsTheFileWhenItIsFinishedAndAFurtherRunWithIt) {
    const Scratch scratch;
    const FakeClock clock;
    for (const char* runs : {"\n1 finished 3\n", "\n1 finished 3\n2 finished 3\n"}) {
        Recorder recorder(scratch.file(), onAnotherMachine(clock));
        ScriptedRun run(recorder, clock, {});
        run.begin();
        EXPECT_TRUE(isBeingWritten(scratch.file()));
        EXPECT_FALSE(std::filesystem::exists(scratch.file("run.fluxdb-wal"))) << "it is not written there";
        EXPECT_THROW(Recorder(scratch.file(), onAnotherMachine(clock)), InputError);
        for (int step = 0; step <= 2; ++step) run.pass(step);
        run.end();
        recorder.finish();
        EXPECT_EQ(recorder.status().problem.value_or("none"), "none");
        EXPECT_EQ(
            rowsOf(scratch.file(),
                   "SELECT run, outcome, (SELECT count(*) FROM token AS t WHERE t.run = r.run AND step >= 0) "
                   "FROM run AS r"),
            runs);
        expectSound(scratch.file());
        EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.folder()),
                                std::filesystem::directory_iterator()),
                  1);
    }
}

TEST(FolderOfAnotherMachine, thatGoesAwayLeavesTheFileHereAndSaysWhere) {
    const Scratch scratch;
    const FakeClock clock;
    const std::filesystem::path folder = scratch.folder() / "mount";
    std::filesystem::create_directory(folder);
    Recorder recorder(folder / "run.fluxdb", onAnotherMachine(clock));
    ScriptedRun(recorder, clock, {}).run();
    std::filesystem::remove_all(folder);
    recorder.finish();
    const std::string problem = recorder.status().problem.value_or("none");
    EXPECT_THAT(problem,
                ::testing::HasSubstr("could not be moved there (No such file or directory) and stays in "));
    const std::size_t begin = problem.find("stays in ") + 9;
    const std::filesystem::path kept = problem.substr(begin, problem.find(';') - begin);
    EXPECT_EQ(rowsOf(kept, "SELECT outcome FROM run"), "\nfinished\n");
    std::filesystem::remove_all(kept.parent_path());
}

TEST(FolderOfAnotherMachine, isToldByItsFileSystem) {
    EXPECT_FALSE(isOnNetwork("/proc"));
    EXPECT_FALSE(isOnNetwork("/dev"));
    EXPECT_FALSE(isOnNetwork("/no such folder"));
}

}  // namespace
}  // namespace fluxscope
