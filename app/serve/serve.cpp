#include "app/serve/serve.h"

#include "app/protocol/lines.h"
#include "app/serve/detail/event_writer.h"
#include "app/serve/detail/serve_with.h"
#include "app/serve/engine_host.h"
#include "app/start/failure.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace fluxscope {
namespace {

using protocol::Request;

struct Job {
    Request request;
    std::shared_ptr<CancelToken> cancel = std::make_shared<CancelToken>();
};

// The reader waits for bytes or for the end of the other thread.
class WakePipe {
public:
    WakePipe() {
        if (::pipe(ends_.data()) != 0) ends_ = {-1, -1};
    }
    ~WakePipe() {
        for (const int end : ends_) ::close(end);
    }
    WakePipe(const WakePipe&) = delete;
    WakePipe& operator=(const WakePipe&) = delete;

    void wake() const { [[maybe_unused]] const ssize_t n = ::write(ends_[1], "x", 1); }
    // False: woken, or the input ended.
    bool waitFor(int in) const {
        std::array<pollfd, 2> both{{{in, POLLIN, 0}, {ends_[0], POLLIN, 0}}};
        while (::poll(both.data(), both.size(), -1) < 0)
            if (errno != EINTR) return false;
        return both[1].revents == 0;
    }

private:
    std::array<int, 2> ends_{};
};

class Worker {
public:
    Worker(int in, int out, const std::string& program, std::unique_ptr<DeviceTracer> tracer)
        : in_(in), events_(out), host_(program, std::move(tracer)), program_(program) {}

    int work() {
        events_.send({0, protocol::ReadyEvent{program_, ::getpid()}});
        std::thread reader([this] { read(); });
        while (auto job = nextJob()) {
            const protocol::Event last = carryOut(job->request, *job->cancel);
            if (std::holds_alternative<protocol::RunRequest>(job->request.what))
                if (const auto why = host_.needsRestart())
                    events_.send({job->request.id, protocol::RestartEvent{*why}});
            {
                // Whoever reads "done" and asks for the status at once must not hear that we are busy.
                const std::lock_guard lock(mutex_);
                running_ = nullptr;
            }
            events_.send(last);
        }
        wake_.wake();
        reader.join();
        return 0;
    }

private:
    // The reader's half.

    void read() {
        protocol::LineSplitter lines;
        std::array<char, 65536> buffer{};
        while (wake_.waitFor(in_)) {
            const ssize_t n = ::read(in_, buffer.data(), buffer.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) break;
            lines.feed({buffer.data(), static_cast<std::size_t>(n)});
            while (auto line = lines.next()) take(*line);
        }
        const std::lock_guard lock(mutex_);
        ended_ = true;
        jobs_.clear();
        if (running_) running_->cancel();
        changed_.notify_all();
    }

    void take(const protocol::Line& line) {
        if (line.tooLong) {
            const std::string most = std::to_string(protocol::kLongestLine);
            return fail(0, {ErrorFamily::Usage, "request: is too long; a line may have " + most + " bytes"});
        }
        try {
            const Request request = protocol::parseRequest(line.text);
            if (std::holds_alternative<protocol::CancelRequest>(request.what))
                cancel(request.id);
            else if (std::holds_alternative<protocol::StatusRequest>(request.what))
                answerStatus(request.id);
            else
                queue(request);
        } catch (const std::exception&) {
            fail(protocol::requestIdOf(line.text), currentFailure());
        }
    }

    void cancel(std::int64_t id) {
        {
            const std::lock_guard lock(mutex_);
            // A run may still stand in the queue: nobody could know that it has not begun.
            if (running_) running_->cancel();
            for (const Job& job : jobs_) job.cancel->cancel();
        }
        events_.send({id, protocol::CancelDoneEvent{}});
    }

    void answerStatus(std::int64_t id) {
        protocol::StatusEvent status;
        {
            const std::lock_guard lock(mutex_);
            status.model = model_;
            status.busy = running_ != nullptr || !jobs_.empty();
        }
        events_.send({id, status});
    }

    void queue(const Request& request) {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(Job{request});
        changed_.notify_all();
    }

    // The engine's half.

    std::optional<Job> nextJob() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
        if (ended_ || events_.broken()) return std::nullopt;
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        running_ = job.cancel;
        return job;
    }

    // The event that ends the request.
    protocol::Event carryOut(const Request& request, const CancelToken& cancel) {
        JobReport report(events_, request.id);
        try {
            if (const auto* wanted = std::get_if<protocol::LoadRequest>(&request.what))
                return {request.id, load(*wanted, report, cancel)};
            if (const auto* wanted = std::get_if<protocol::ForecastRequest>(&request.what))
                return {request.id, protocol::ForecastEvent{host_.forecast(wanted->wanted)}};
            return run(request.id, std::get<protocol::RunRequest>(request.what), report, cancel);
        } catch (...) {
            report.flush();
            const Failure failure = currentFailure();
            return {request.id, protocol::FailedEvent{failure.family, failure.message}};
        }
    }

    protocol::LoadedEvent load(const protocol::LoadRequest& wanted, JobReport& report,
                               const CancelToken& cancel) {
        {
            const std::lock_guard lock(mutex_);
            model_.reset();
        }
        HostEvents events;
        events.progress = [&report](const protocol::ProgressEvent& progress) { report.progress(progress); };
        protocol::LoadedEvent loaded =
            host_.load({wanted.model, wanted.device, wanted.dtype, wanted.collect}, events, cancel);
        {
            const std::lock_guard lock(mutex_);
            model_ = loaded.model;
        }
        return loaded;
    }

    protocol::Event run(std::int64_t id, const protocol::RunRequest& wanted, JobReport& report,
                        const CancelToken& cancel) {
        HostEvents events;
        events.progress = [&report](const protocol::ProgressEvent& progress) { report.progress(progress); };
        events.token = [&report](SequenceIndex sequence, const std::string& text) {
            report.token(sequence.value(), text);
        };
        events.capture = [this, id](const std::filesystem::path& file) {
            events_.send({id, protocol::CaptureEvent{file.string()}});
        };
        // A desktop that cancelled gives a worker that finishes its file more time than one that computes.
        events.saving = [this, id] {
            events_.send({id, protocol::ProgressEvent{protocol::kSaving, 0, 1, "files", 0, 0}});
        };
        const RunReport done = host_.run({.request = wanted.wanted,
                                          .capture = wanted.capture,
                                          .promptText = wanted.promptText,
                                          .recordBudget = wanted.recordBudget},
                                         events, cancel);
        report.flush();
        if (done.recordingProblem)
            return {id, protocol::FailedEvent{ErrorFamily::Machine, *done.recordingProblem}};
        const TurnResult& first = done.sequences.front().first();
        return {id, protocol::RunDoneEvent{.run = done.run,
                                           .prefillSeconds = first.prefillSeconds,
                                           .decodeSeconds = first.decodeSeconds,
                                           .tokenSeconds = done.tokenSeconds}};
    }

    void fail(std::int64_t id, const Failure& failure) {
        events_.send({id, protocol::FailedEvent{failure.family, failure.message}});
    }

    int in_;
    WakePipe wake_;
    EventWriter events_;
    EngineHost host_;
    std::string program_;

    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    bool ended_ = false;
    std::shared_ptr<CancelToken> running_;
    std::optional<ModelFacts> model_;
};

}  // namespace

int serve(int in, int out, const std::string& program) { return serveWith(nullptr, in, out, program); }

int serveWith(std::unique_ptr<DeviceTracer> tracer, int in, int out, const std::string& program) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTERM, SIG_DFL);
    // A Ctrl-C in the terminal is for whoever started us; our own end is that of `in`.
    std::signal(SIGINT, SIG_IGN);
    return Worker(in, out, program, std::move(tracer)).work();
}

}  // namespace fluxscope

extern "C" int fluxscopeServe(const char* program) {
    try {
        const int out = ::dup(STDOUT_FILENO);
        if (out < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
            spdlog::critical("stdout cannot be kept for the protocol: {}", std::strerror(errno));
            return static_cast<int>(fluxscope::ErrorFamily::Machine);
        }
        return fluxscope::serve(STDIN_FILENO, out, program);
    } catch (...) {
        const fluxscope::Failure failure = fluxscope::currentFailure();
        spdlog::critical("{}", failure.message);
        return static_cast<int>(failure.family);
    }
}
