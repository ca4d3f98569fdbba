// The feed beside somebody who writes: what it publishes, how often, and how it ends.
#include "profiler/capture/capture_feed.h"

#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

constexpr auto kLongest = 120s;  // that a machine may be busy with other things

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
        changed_.wait_for(lock, kLongest,
                          [&] { return !snapshots_.empty() && condition(*snapshots_.back()); });
        return snapshots_.empty() ? nullptr : snapshots_.back();
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return snapshots_.size();
    }
    // From the beginning on, and not from one to the next: a machine may notice the first late and the second at once.
    void expectInOrderAndNotTooOften() {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 1; i < snapshots_.size(); ++i) {
            EXPECT_GT(snapshots_[i]->generation, snapshots_[i - 1]->generation);
            EXPECT_GE(times_[i] - begin_, i * 240ms);
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<SnapshotPtr> snapshots_;
    std::vector<std::chrono::steady_clock::time_point> times_;
    const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
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

// Bursts of steps, each with many times the events that the queue holds, and then single steps until the feed has read along for a
// while. In the first burst another program has the file: on any machine the queue is then too small.
std::int32_t runInBursts(Recorder& recorder, const testing::FakeClock& clock, const testing::Script& script,
                         Published& published, const std::filesystem::path& file) {
    constexpr int kBursts = 20;
    constexpr std::int32_t kStepsABurst = 50;
    const auto deadline = std::chrono::steady_clock::now() + kLongest;
    const std::size_t before = published.count();
    testing::ScriptedRun run(recorder, clock, script);
    run.begin();
    std::int32_t step = 0;
    for (int burst = 0; burst < kBursts; ++burst) {
        sqlite3* other = nullptr;
        if (burst == 0) {
            sqlite3_open(file.c_str(), &other);
            sqlite3_busy_timeout(other, 60'000);
            EXPECT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
        }
        for (const std::int32_t end = step + kStepsABurst; step < end; ++step) run.pass(step);
        sqlite3_close(other);
        std::this_thread::sleep_for(10ms);
    }
    while (published.count() < before + 2 && std::chrono::steady_clock::now() < deadline) {
        run.pass(step++);
        std::this_thread::sleep_for(20ms);
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
            steps.push_back(runInBursts(recorder, clock, script, published, scratch.file()));
    });
    std::atomic<bool> recording{true};
    std::thread asker([&] {
        std::int64_t dropped = 0;
        while (recording) {
            const RecorderStatus status = recorder.status();
            if (status.problem) {
                EXPECT_THAT(*status.problem, ::testing::HasSubstr("is held by another program"));
            }
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

// Once for a thread that waits, and often for one that may be in the middle of anything. The fastest counts: a feed that slept through its
// interval would never be.
TEST(CaptureFeed, endsAtOnce) {
    const Scratch scratch;
    testing::record(scratch.file(), {.decodeSteps = 3000});
    std::chrono::steady_clock::duration fastest = kLongest;
    for (int i = 0; i < 20; ++i) {
        const auto before = std::chrono::steady_clock::now();
        {
            const CaptureFeed feed(scratch.file(), [](const SnapshotPtr&) {});
        }
        fastest = std::min(fastest, std::chrono::steady_clock::now() - before);
    }
    EXPECT_LT(fastest, CaptureFeed::kInterval);
}

}  // namespace
}  // namespace fluxscope
