// The feed beside somebody who writes: what it publishes, how often, and how it ends.
#include "profiler/capture/capture_feed.h"

#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace fluxscope {
namespace {

using testing::Scratch;
using testing::textOf;
using namespace std::chrono_literals;

class Published {
public:
    CaptureFeed::Publish sink() {
        return [this](SnapshotPtr snapshot) {
            const std::lock_guard lock(mutex_);
            snapshots_.push_back(std::move(snapshot));
            times_.push_back(std::chrono::steady_clock::now());
            changed_.notify_all();
        };
    }
    template <class Condition>
    SnapshotPtr waitFor(Condition condition) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, 20s, [&] { return !snapshots_.empty() && condition(*snapshots_.back()); });
        return snapshots_.empty() ? nullptr : snapshots_.back();
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return snapshots_.size();
    }
    void expectInOrderAndNotTooOften() {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 1; i < snapshots_.size(); ++i) {
            EXPECT_GT(snapshots_[i]->generation, snapshots_[i - 1]->generation);
            EXPECT_GE(times_[i] - times_[i - 1], 240ms);
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<SnapshotPtr> snapshots_;
    std::vector<std::chrono::steady_clock::time_point> times_;
};

pid_t recordInAnotherProcess(const std::filesystem::path& file, int passes) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    testing::FakeClock clock;
    {
        Recorder recorder(file, {.clock = clock.reader()});
        testing::ScriptedRun run(recorder, clock, {});
        run.begin();
        for (int step = 0; step < passes; ++step) {
            run.pass(step);
            std::this_thread::sleep_for(2ms);
        }
        run.end();
    }
    ::_exit(0);
}

TEST(CaptureFeed, followsAnotherProcessToTheEnd) {
    const Scratch scratch;
    const pid_t child = recordInAnotherProcess(scratch.file(), 600);
    Published published;
    {
        const CaptureFeed feed(scratch.file(), published.sink());
        const SnapshotPtr early = published.waitFor([](const Snapshot& s) { return s.tokens.size() > 0; });
        ASSERT_TRUE(early);
        EXPECT_TRUE(early->live);
        EXPECT_FALSE(early->runs.at(0).outcome);
        const SnapshotPtr last = published.waitFor([](const Snapshot& s) { return !s.live; });
        ::waitpid(child, nullptr, 0);
        EXPECT_FALSE(last->live);
        EXPECT_EQ(last->runs.at(0).outcome, "finished");
        EXPECT_EQ(textOf(*last), textOf(*readCapture(scratch.file())));
    }
    EXPECT_GE(published.count(), 3U);
    published.expectInOrderAndNotTooOften();
}

TEST(CaptureFeed, noticesThatItsWriterDied) {
    const Scratch scratch;
    const pid_t child = recordInAnotherProcess(scratch.file(), 1'000'000);
    Published published;
    const CaptureFeed feed(scratch.file(), published.sink());
    EXPECT_TRUE(published.waitFor([](const Snapshot& s) { return s.live && s.tokens.size() > 0; })->live);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const SnapshotPtr last = published.waitFor([](const Snapshot& s) { return !s.live; });
    EXPECT_FALSE(last->live);
    EXPECT_FALSE(last->runs.at(0).outcome);
    EXPECT_THAT(last->problems, ::testing::IsEmpty());
}

TEST(CaptureFeed, waitsForAFileAndSaysNothingWhileNothingHappens) {
    const Scratch scratch;
    Published published;
    const CaptureFeed feed(scratch.file(), published.sink());
    std::this_thread::sleep_for(300ms);
    EXPECT_EQ(published.count(), 0U);
    testing::record(scratch.file());
    ASSERT_TRUE(published.waitFor([](const Snapshot& s) { return !s.live && s.tokens.size() == 3; }));
    std::this_thread::sleep_for(300ms);
    const std::size_t settled = published.count();
    std::this_thread::sleep_for(600ms);
    EXPECT_EQ(published.count(), settled);

    testing::record(scratch.file());
    EXPECT_EQ(
        published.waitFor([](const Snapshot& s) { return !s.live && s.runs.size() == 2; })->tokens.size(),
        6U);
}

TEST(CaptureFeed, saysWhatIsWrongWithAFileAndTakesABetterOne) {
    const Scratch scratch;
    testing::record(scratch.file("good.fluxdb"));
    testing::rowsOf(scratch.file(), "CREATE TABLE bookmarks (url)");
    Published published;
    const CaptureFeed feed(scratch.file(), published.sink());
    const SnapshotPtr bad = published.waitFor([](const Snapshot&) { return true; });
    ASSERT_EQ(bad->problems.size(), 1U);
    EXPECT_THAT(bad->problems[0], ::testing::HasSubstr("is an SQLite file but not a FluxScope capture"));

    std::filesystem::rename(scratch.file("good.fluxdb"), scratch.file());
    EXPECT_EQ(published.waitFor([](const Snapshot& s) { return s.problems.empty(); })->tokens.size(), 3U);
}

TEST(CaptureFeed, keepsWhatItHasWhenTheFileGoesAway) {
    const Scratch scratch;
    testing::record(scratch.file());
    Published published;
    const CaptureFeed feed(scratch.file(), published.sink());
    published.waitFor([](const Snapshot&) { return true; });
    std::filesystem::remove(scratch.file());
    const SnapshotPtr last = published.waitFor([](const Snapshot& s) { return !s.problems.empty(); });
    EXPECT_THAT(last->problems,
                ::testing::ElementsAre("it was taken away; what had been read of it is still shown"));
    EXPECT_EQ(last->tokens.size(), 3U);
}

// Bursts of steps, each with many times the events that the queue holds, until the feed has read along for a while.
std::int32_t runInBursts(Recorder& recorder, const testing::FakeClock& clock, const testing::Script& script,
                         Published& published) {
    constexpr int kBursts = 20;
    constexpr std::int32_t kStepsABurst = 50;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    const std::size_t before = published.count();
    testing::ScriptedRun run(recorder, clock, script);
    run.begin();
    std::int32_t step = 0;
    for (int burst = 0; burst < kBursts || published.count() < before + 2; ++burst) {
        if (std::chrono::steady_clock::now() > deadline) break;
        for (const std::int32_t end = step + kStepsABurst; step < end; ++step) run.pass(step);
        std::this_thread::sleep_for(10ms);
    }
    run.end();
    return step;
}

// An engine's thread, the writer's, the feed's and one that asks for the status, all in one process: what they share is what
// tools/sanitize thread looks at here.
TEST(CaptureFeed, followsARecorderUnderLoadAndMissesNothingEssential) {
    constexpr std::int32_t kRuns = 2;
    const testing::Script script{.layers = 4, .sequences = 3};
    const Scratch scratch;
    Published published;
    const CaptureFeed feed(scratch.file(), published.sink());
    const testing::FakeClock clock;
    Recorder recorder(scratch.file(), {.queueEvents = 64, .clock = clock.reader()});

    std::vector<std::int32_t> steps;
    std::thread engine([&] {
        for (int run = 0; run < kRuns; ++run)
            steps.push_back(runInBursts(recorder, clock, script, published));
    });
    std::atomic<bool> recording{true};
    std::thread asker([&] {
        std::int64_t dropped = 0;
        while (recording) {
            const RecorderStatus status = recorder.status();
            EXPECT_EQ(status.problem.value_or("none"), "none");
            EXPECT_GE(status.dropped, std::exchange(dropped, status.dropped));
            std::this_thread::sleep_for(100us);
        }
    });
    engine.join();
    recorder.finish();
    recording = false;
    asker.join();
    const SnapshotPtr last =
        published.waitFor([&](const Snapshot& s) { return !s.live && s.runs.size() == kRuns; });

    ASSERT_EQ(last->runs.size(), static_cast<std::size_t>(kRuns));
    EXPECT_FALSE(last->live);
    EXPECT_THAT(last->problems, ::testing::IsEmpty());
    EXPECT_GE(published.count(), 2U * kRuns) << "the feed read along";
    published.expectInOrderAndNotTooOften();

    std::int64_t dropped = 0;
    std::size_t allSteps = 0;
    for (std::size_t run = 0; run < steps.size(); ++run) {
        EXPECT_EQ(last->runs.at(run).outcome, "finished");
        dropped += last->runs.at(run).dropped;
        allSteps += static_cast<std::size_t>(steps[run]);
    }
    EXPECT_EQ(dropped, recorder.status().dropped);
    EXPECT_GT(dropped, 0) << "the load was none: details would have had to give way";

    const auto sequences = static_cast<std::size_t>(script.sequences);
    const auto layers = static_cast<std::size_t>(script.layers);
    EXPECT_EQ(last->decisions.size(), kRuns * sequences * layers);
    EXPECT_EQ(last->kv.size(), kRuns * sequences * layers);
    EXPECT_EQ(last->tokens.size(), allSteps * sequences);
    EXPECT_EQ(last->layerSteps.size(), allSteps * (layers + 1)) << "and a row for what lies outside layers";
    std::map<std::pair<RunIndex, SequenceIndex>, std::int32_t> next;
    last->tokens.each([&](const TokenRow& token) {
        ASSERT_EQ(token.step, StepIndex((next[{token.run, token.sequence}]++)));
    });
}

// Once for a thread that waits, and often for one that may be in the middle of anything.
TEST(CaptureFeed, endsAtOnce) {
    const Scratch scratch;
    testing::record(scratch.file(), {.decodeSteps = 3000});
    for (int i = 0; i < 20; ++i) {
        const auto before = std::chrono::steady_clock::now();
        {
            const CaptureFeed feed(scratch.file(), [](const SnapshotPtr&) {});
        }
        EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
    }
}

}  // namespace
}  // namespace fluxscope
