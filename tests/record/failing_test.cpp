// What the machine refuses never disturbs the run, is said once, and leaves what was committed before.
#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/record/recorder.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

namespace fluxscope {
namespace {

using testing::FakeClock;
using testing::rowsOf;
using testing::Scratch;
using testing::ScriptedRun;
using namespace std::chrono_literals;

TEST(FailingRecorder, goesOnWithoutAFileItCannotMake) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.folder() / "no such folder" / "run.fluxdb", {.clock = clock.reader()});
    EXPECT_THAT(recorder.status().problem.value_or("none"),
                ::testing::EndsWith("run.fluxdb: cannot be written: No such file or directory in its folder; "
                                    "choose a folder you may write to"));
    ScriptedRun(recorder, clock, {}).run();
    EXPECT_EQ(recorder.currentRun(), RunIndex(1));
    recorder.finish();
}

TEST(FailingRecorder, goesOnInAReadOnlyFolder) {
    const Scratch scratch;
    std::filesystem::permissions(
        scratch.folder(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec |
                              std::filesystem::perms::others_read | std::filesystem::perms::others_exec);
    const pid_t child = ::fork();  // as nobody: root may write anywhere
    if (child == 0) {
        if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(2);
        const FakeClock clock;
        Recorder recorder(scratch.file(), {.clock = clock.reader()});
        ScriptedRun(recorder, clock, {}).run();
        recorder.finish();
        const std::string problem = recorder.status().problem.value_or("");
        ::_exit(problem.find("cannot be written: Permission denied") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_FALSE(std::filesystem::exists(scratch.file()));
}

// The file may not grow beyond a limit, as on a full disk.
TEST(FailingRecorder, keepsWhatWasCommittedBeforeTheDiskWasFull) {
    const Scratch scratch;
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const FakeClock clock;
        Recorder recorder(scratch.file(), {.clock = clock.reader()});
        ScriptedRun run(recorder, clock, {.decodeSteps = 100'000});
        run.begin();
        run.pass(0);
        std::this_thread::sleep_for(300ms);  // committed
        const rlimit limit{.rlim_cur = 512 << 10, .rlim_max = 512 << 10};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        for (int step = 1; step < 20'000; ++step) run.pass(step);
        run.end();
        recorder.finish();
        const std::string problem = recorder.status().problem.value_or("");
        const bool isSaid = problem.find("disk") != std::string::npos &&
                            problem.find("what was recorded up to then is kept") != std::string::npos;
        ::_exit(isSaid ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(rowsOf(scratch.file(), "PRAGMA integrity_check"), "\nok\n");
    const SnapshotPtr snapshot = readCapture(scratch.file());
    EXPECT_FALSE(snapshot->live);
    EXPECT_EQ(snapshot->decisions.size(), 2U);
    EXPECT_GE(snapshot->tokens.size(), 1U);
}

TEST(FailingRecorder, noticesThatItsFileWasTakenAway) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    ScriptedRun run(recorder, clock, {});
    run.begin();
    std::filesystem::remove(scratch.file());
    run.pass(0);
    run.end();
    recorder.finish();
    EXPECT_THAT(
        recorder.status().problem.value_or("none"),
        ::testing::HasSubstr(
            "was taken away while it was being recorded; leave a capture in place until its run has ended"));
}

TEST(FailingRecorder, refusesAFileOfSomebodyElseAndLeavesItAsItIs) {
    const Scratch scratch;
    std::ofstream(scratch.file()) << "dear diary";
    try {
        const Recorder recorder(scratch.file());
        FAIL();
    } catch (const InputError& e) {
        EXPECT_THAT(
            e.what(),
            ::testing::EndsWith("run.fluxdb: is not a FluxScope capture; give the path of a *.fluxdb file"));
    }
    std::ifstream in(scratch.file());
    std::string text;
    std::getline(in, text);
    EXPECT_EQ(text, "dear diary");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.folder()),
                            std::filesystem::directory_iterator()),
              1);
}

TEST(FailingRecorder, refusesADatabaseOfSomebodyElse) {
    const Scratch scratch;
    rowsOf(scratch.file(), "CREATE TABLE bookmarks (url)");
    EXPECT_THROW(Recorder{scratch.file()}, InputError);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT name FROM sqlite_schema"), "\nbookmarks\n");
}

TEST(FailingRecorder, refusesAFileThatIsBeingWritten) {
    const Scratch scratch;
    const Recorder first(scratch.file());
    try {
        const Recorder second(scratch.file());
        FAIL();
    } catch (const InputError& e) {
        EXPECT_THAT(e.what(), ::testing::HasSubstr("is being written by another process"));
    }
}

TEST(FailingRecorder, countsWhatAFullQueueDropsAndKeepsDecisionsAndTokens) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.queueEvents = 64, .clock = clock.reader()});
    constexpr int kSteps = 20'000;
    ScriptedRun(recorder, clock, {.decodeSteps = kSteps}).run();
    recorder.finish();
    const std::int64_t dropped = recorder.status().dropped;
    EXPECT_EQ(recorder.status().problem.value_or("none"), "none");
    EXPECT_GT(dropped, 0);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT dropped FROM run"), "\n" + std::to_string(dropped) + "\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*) FROM decision"), "\n2\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*), max(step) FROM token WHERE step >= 0"),
              "\n20001 20000\n");
    // Sums are whole all the same: 12 outside, 42 and 12 us in each decode step.
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*), sum(time_ns) FROM layer_step WHERE step > 0"),
              "\n60000 1320000000\n");
    // And nothing is lost without being counted: prefill has 11 scopes, a decode step 7.
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT (SELECT count(*) FROM scope) + dropped FROM run"),
              "\n" + std::to_string(11 + 7 * kSteps) + "\n");
}

}  // namespace
}  // namespace fluxscope
