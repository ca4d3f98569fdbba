// The worker's side of stdout: whole lines, from any thread, and nothing once the reader is gone.
#pragma once

#include "app/protocol/messages.h"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace fluxscope {

class EventWriter {
public:
    explicit EventWriter(int out) : out_(out) {}

    void send(const protocol::Event& event);
    bool broken() const;

private:
    mutable std::mutex mutex_;
    int out_;
    bool broken_ = false;
};

// What a job reports while it runs, thinned to what people can read: progress at most ten times a second, the text of
// tokens gathered as often. Belongs to the thread of the job.
class JobReport {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kInterval{100};

    JobReport(EventWriter& events, std::int64_t request) : events_(events), request_(request) {}

    void progress(const protocol::ProgressEvent& progress, Clock::time_point now = Clock::now());
    void token(std::int64_t sequence, const std::string& text, Clock::time_point now = Clock::now());
    void flush();  // what is gathered, before "done" or "failed"

private:
    EventWriter& events_;
    std::int64_t request_;
    std::optional<Clock::time_point> progressSent_;
    std::optional<Clock::time_point> textSent_;
    std::map<std::int64_t, std::string> text_;
};

}  // namespace fluxscope
