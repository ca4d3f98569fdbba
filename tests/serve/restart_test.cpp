// A worker whose tracer has had enough: it says so before it begins another run, and a fresh one carries on.
#include "app/protocol/lines.h"
#include "app/protocol/messages.h"
#include "app/serve/detail/serve_with.h"
#include "profiler/capture/capture_feed.h"
#include "tests/serve/model_folder.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fluxscope {
namespace {

// Lets itself be borrowed so many times, as CUPTI does until it has written some 25 million records.
class WearsOut final : public DeviceTracer {
public:
    explicit WearsOut(int times) : left_(times) {}

    void beginRun(DeviceSink&) override {}
    void endRun() override {}
    void opened(const ScopeKey&) override {}
    void closed() override {}
    void recordingBegan() override {}
    void recordingEnded() override {}
    std::optional<std::string> needsRestart() const override {
        if (left_-- > 0) return std::nullopt;
        return "the tracer has had enough";
    }

private:
    mutable std::atomic<int> left_;
};

// A worker in a thread of this process, spoken to as the desktop does.
class Worker {
public:
    explicit Worker(int borrowed) {
        EXPECT_EQ(::pipe(requests_.data()), 0);
        EXPECT_EQ(::pipe(answers_.data()), 0);
        thread_ = std::thread([this, borrowed] {
            serveWith(std::make_unique<WearsOut>(borrowed), requests_[0], answers_[1], "test");
            ::close(answers_[1]);
        });
    }
    ~Worker() {
        if (thread_.joinable()) end();
        for (const int end : {requests_[0], answers_[0]}) ::close(end);
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void send(const protocol::Request& request) {
        const std::string line = protocol::toLine(request) + "\n";
        EXPECT_EQ(::write(requests_[1], line.data(), line.size()), std::ssize(line));
    }
    // The last of the events that a request has; those before it are `told`.
    protocol::Event endOf(std::int64_t request) {
        while (true) {
            std::optional<protocol::Event> event = next();
            if (!event) throw std::runtime_error("the worker ended before it answered");
            told.push_back(*event);
            const bool ends = std::holds_alternative<protocol::LoadedEvent>(event->what) ||
                              std::holds_alternative<protocol::RunDoneEvent>(event->what) ||
                              std::holds_alternative<protocol::FailedEvent>(event->what);
            if (event->re == request && ends) return *std::move(event);
        }
    }
    void end() {
        ::close(requests_[1]);
        thread_.join();
    }

    std::vector<protocol::Event> told;

private:
    std::optional<protocol::Event> next() {
        while (true) {
            if (const auto line = lines_.next()) return protocol::parseEvent(line->text);
            std::array<char, 4096> buffer{};
            const ssize_t n = ::read(answers_[0], buffer.data(), buffer.size());
            if (n <= 0) return std::nullopt;
            lines_.feed({buffer.data(), static_cast<std::size_t>(n)});
        }
    }

    std::array<int, 2> requests_{}, answers_{};
    protocol::LineSplitter lines_;
    std::thread thread_;
};

constexpr std::int64_t kLoad = 1, kFirst = 2, kSecond = 3;

protocol::Request load(const testing::ModelFolder& folder) {
    return {.id = kLoad, .what = protocol::LoadRequest{.model = folder.model().string()}};
}

protocol::Request run(std::int64_t id, const testing::ModelFolder& folder) {
    RunRequest wanted;
    wanted.prompts = parsePromptSet(R"({"id":"a","kind":"code","ids":[5,6,7,8]})", "test").prompts;
    wanted.maxNew = 3;
    return {.id = id,
            .what = protocol::RunRequest{.wanted = wanted, .capture = (folder.path / "run.fluxdb").string()}};
}

// "id event" of what was told from the first run on, without what tells of its course.
std::string orderOf(const std::vector<protocol::Event>& told) {
    std::string order;
    for (const protocol::Event& event : told) {
        const std::string re = std::to_string(event.re);
        if (std::holds_alternative<protocol::CaptureEvent>(event.what)) order += re + " capture\n";
        if (const auto* restart = std::get_if<protocol::RestartEvent>(&event.what))
            order += re + " restart: " + restart->why + "\n";
        if (const auto* done = std::get_if<protocol::RunDoneEvent>(&event.what))
            order += re + " done: run " + std::to_string(done->run) + "\n";
        if (const auto* failed = std::get_if<protocol::FailedEvent>(&event.what))
            order += re + " failed: " + failed->message + "\n";
    }
    return "\n" + order;
}

TEST(Serve, asksToBeReplacedBeforeItBeginsTheNextRunAndAFreshOneGoesOn) {
    const testing::ModelFolder folder("restart");
    {
        Worker worn(1);
        for (const auto& request : {load(folder), run(kFirst, folder), run(kSecond, folder)})
            worn.send(request);
        worn.endOf(kSecond);
        // Without a fresh one, the next run goes on too, and the plea is repeated.
        EXPECT_EQ(orderOf(worn.told), R"(
2 capture
2 restart: the tracer has had enough
2 done: run 1
3 capture
3 restart: the tracer has had enough
3 done: run 2
)");
    }
    Worker fresh(2);
    for (const auto& request : {load(folder), run(kFirst, folder)}) fresh.send(request);
    fresh.endOf(kFirst);
    EXPECT_EQ(orderOf(fresh.told), "\n2 capture\n2 done: run 3\n");

    const SnapshotPtr snapshot = readCapture(folder.path / "run.fluxdb");
    EXPECT_THAT(snapshot->problems, ::testing::IsEmpty());
    ASSERT_EQ(snapshot->runs.size(), 3U);
    for (const RunRow& row : snapshot->runs)
        EXPECT_EQ(row.outcome.value_or("none"), "finished") << "run " << row.run.value();
    EXPECT_EQ(snapshot->tokens.size(), 9U);
}

}  // namespace
}  // namespace fluxscope
