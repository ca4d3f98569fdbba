// What the worker says while it works: thinned progress, gathered text, whole characters and whole lines.
#include "app/protocol/lines.h"
#include "app/serve/detail/event_writer.h"
#include "app/serve/detail/run_watch.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;

// Both ends of a pipe; what was written to it so far, as events.
class Pipe {
public:
    Pipe() { EXPECT_EQ(::pipe(ends_.data()), 0); }
    ~Pipe() {
        ::close(ends_[0]);
        if (ends_[1] >= 0) ::close(ends_[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    int in() const { return ends_[1]; }
    void closeReader() { ::close(std::exchange(ends_[0], ::dup(ends_[1]))); }
    std::vector<protocol::Event> events() {
        ::close(std::exchange(ends_[1], -1));
        std::vector<protocol::Event> events;
        protocol::LineSplitter lines;
        std::array<char, 4096> buffer{};
        for (ssize_t n = 0; (n = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
            lines.feed({buffer.data(), static_cast<std::size_t>(n)});
            while (auto line = lines.next()) events.push_back(protocol::parseEvent(line->text));
        }
        return events;
    }

private:
    std::array<int, 2> ends_{};
};

TEST(JobReport, letsProgressThroughTenTimesASecond) {
    Pipe pipe;
    EventWriter writer(pipe.in());
    JobReport report(writer, 7);
    const JobReport::Clock::time_point start{};
    for (int millisecond = 0; millisecond < 1000; ++millisecond)
        report.progress({"decode", millisecond, 1000, "tokens", 0, 1}, start + millisecond * 1ms);
    const auto events = pipe.events();
    ASSERT_EQ(events.size(), 10U);
    EXPECT_EQ(events[9].re, 7);
    EXPECT_EQ(std::get<protocol::ProgressEvent>(events[9].what).done, 900);
}

TEST(JobReport, gathersTextAndLosesNone) {
    Pipe pipe;
    EventWriter writer(pipe.in());
    JobReport report(writer, 7);
    const JobReport::Clock::time_point start{};
    for (int millisecond = 0; millisecond < 250; ++millisecond)
        report.token(millisecond % 2, std::string(1, static_cast<char>('a' + millisecond % 2)),
                     start + millisecond * 1ms);
    report.flush();
    std::map<std::int64_t, std::string> texts;
    const auto events = pipe.events();
    for (const auto& event : events) {
        const auto& token = std::get<protocol::TokenEvent>(event.what);
        texts[token.sequence] += token.text;
    }
    EXPECT_LE(events.size(), 8U);
    EXPECT_EQ(texts[0], std::string(125, 'a'));
    EXPECT_EQ(texts[1], std::string(125, 'b'));
}

TEST(EventWriter, writesWholeLinesFromManyThreads) {
    Pipe pipe;
    EventWriter writer(pipe.in());
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread)
            threads.emplace_back([&writer, thread] {
                for (int i = 0; i < 20; ++i)
                    writer.send({thread, protocol::TokenEvent{i, std::string(500, 'x')}});
            });
    }
    EXPECT_EQ(pipe.events().size(), 80U);
}

TEST(RunWatch, handsOutWholeCharactersOnly) {
    std::vector<std::string> pieces;
    HostEvents events;
    events.token = [&pieces](SequenceIndex, const std::string& text) { pieces.push_back(text); };
    RunWatch watch(events);
    watch.runBegan({});
    for (const char* part : {"a\xE4", "\xB8", "\x96", "\xF0\x9F", "\x99\x82!", "\xC3"})
        watch.tokenEmitted({}, {}, {}, {.id = {}, .text = part, .logprob = 0});
    watch.runEnded(RunOutcome::Finished, "");
    EXPECT_THAT(pieces, testing::ElementsAre("a", "\u4e16", "\U0001F642!", "\xC3"));
}

TEST(RunWatch, knowsWhereACharacterIsCut) {
    EXPECT_EQ(wholeCharacters(""), 0U);
    EXPECT_EQ(wholeCharacters("abc"), 3U);
    EXPECT_EQ(wholeCharacters("ab\xC3"), 2U);
    EXPECT_EQ(wholeCharacters("ab\xC3\xA9"), 4U);
    EXPECT_EQ(wholeCharacters("\xF0\x9F\x99"), 0U);
    EXPECT_EQ(wholeCharacters("\xF0\x9F\x99\x82"), 4U);
    EXPECT_EQ(wholeCharacters("\x80\x80\x80\x80"), 4U);  // never a character: waiting would be for ever
}

}  // namespace
}  // namespace fluxscope
