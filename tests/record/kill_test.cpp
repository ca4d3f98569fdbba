// kill -9 at any moment: the capture opens, is whole, and misses at most 250 ms.
#include "profiler/capture/capture_feed.h"
#include "profiler/record/recorder.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>
#include <thread>

namespace fluxscope {
namespace {

using testing::rowsOf;
using testing::Scratch;
using testing::ScriptedRun;
using namespace std::chrono_literals;

struct Told {
    std::int32_t step = 0;
    Nanoseconds at{};
};

// Records for ever, a step a millisecond, and says after each step that it is over.
[[noreturn]] void recordUntilKilled(const std::filesystem::path& file, int told) {
    testing::FakeClock clock;
    Recorder recorder(file, {.clock = clock.reader()});
    ScriptedRun run(recorder, clock, {.layers = 4});
    run.begin();
    for (std::int32_t step = 0;; ++step) {
        run.pass(step);
        const Told now{step, monotonicNow()};
        if (::write(told, &now, sizeof now) != sizeof now) ::_exit(3);
        std::this_thread::sleep_for(1ms);
    }
}

TEST(KilledRecorder, leavesACaptureThatMissesAtMost250ms) {
    std::mt19937 random(20251120);  // NOLINT(bugprone-random-generator-seed): the same moments each time
    for (int round = 0; round < 20; ++round) {
        const Scratch scratch;
        int pipe[2];
        ASSERT_EQ(::pipe(pipe), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::close(pipe[0]);
            recordUntilKilled(scratch.file(), pipe[1]);
        }
        ::close(pipe[1]);
        Told first;
        ASSERT_EQ(::read(pipe[0], &first, sizeof first), static_cast<ssize_t>(sizeof first));
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 900));
        ::kill(child, SIGKILL);
        const Nanoseconds killed = monotonicNow();
        ::waitpid(child, nullptr, 0);

        std::int32_t mustBeThere = killed - first.at > 250ms ? 0 : -1;
        for (Told told; ::read(pipe[0], &told, sizeof told) == static_cast<ssize_t>(sizeof told);) {
            if (killed - told.at > 250ms) mustBeThere = told.step;
        }
        ::close(pipe[0]);

        const SnapshotPtr snapshot = readCapture(scratch.file());
        EXPECT_TRUE(snapshot->problems.empty()) << snapshot->problems.front();
        EXPECT_FALSE(snapshot->live) << "its process is gone";
        std::int32_t last = -1;
        snapshot->tokens.each([&](const TokenRow& token) { last = token.step.value(); });
        EXPECT_GE(last, mustBeThere) << "round " << round;
        if (mustBeThere >= 0) {
            EXPECT_EQ(snapshot->decisions.size(), 4U);
        }
        EXPECT_EQ(rowsOf(scratch.file(), "PRAGMA integrity_check"), "\nok\n");
    }
}

TEST(KilledRecorder, leavesAFileThatTheNextOneAppendsTo) {
    const Scratch scratch;
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) recordUntilKilled(scratch.file(), pipe[1]);
    Told first;
    ASSERT_EQ(::read(pipe[0], &first, sizeof first), static_cast<ssize_t>(sizeof first));
    std::this_thread::sleep_for(250ms);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(pipe[0]);
    ::close(pipe[1]);

    const testing::FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    ScriptedRun(recorder, clock, {}).run();
    recorder.finish();
    EXPECT_EQ(recorder.status().problem.value_or("none"), "none");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT run, outcome FROM run"), "\n1 -\n2 finished\n");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.folder()),
                            std::filesystem::directory_iterator()),
              1);
}

}  // namespace
}  // namespace fluxscope
