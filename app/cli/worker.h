// Another process of this program, as `serve`: it holds a model for as long as this object lives, and does one thing after another.
#pragma once

#include "app/protocol/lines.h"
#include "app/protocol/messages.h"
#include "engine/contract/cancel.h"

#include <sys/types.h>

#include <functional>
#include <string>

namespace fluxscope::cli {

class Worker {
public:
    // `role` is named in what is thrown: "the worker that records". Throws FaultError when there is no room for a process.
    Worker(std::string command, std::string role);
    // Its input ends, which makes it stop; what has not ended after a second is killed.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    pid_t pid() const { return pid_; }

    // Waits for the last event of the request. Throws what the worker says went wrong, CancelledError, and FaultError when the
    // worker is lost.
    protocol::Event ask(decltype(protocol::Request::what) what, const CancelToken& cancel,
                        const std::function<void(const protocol::ProgressEvent&)>& progress = {});

private:
    protocol::Event nextEvent(const CancelToken& cancel);
    void send(const std::string& line);
    [[noreturn]] void lost();

    std::string command_;
    std::string role_;
    pid_t pid_ = 0;  // 0: it has ended
    int in_ = -1;    // what we write
    int out_ = -1;   // what we read
    protocol::LineSplitter lines_;
    std::int64_t lastId_ = 0;
};

}  // namespace fluxscope::cli
