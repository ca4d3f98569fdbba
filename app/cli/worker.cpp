#include "app/cli/worker.h"

#include "engine/contract/error.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

namespace fluxscope::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 1s;  // for a worker whose input has ended
constexpr int kGlanceMs = 50;   // how soon a cancel is seen

// Not inherited: a worker that held the other one's input open would keep it from ending.
class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
    }
    ~Pipe() {
        for (const int end : ends_)
            if (end >= 0) ::close(end);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    bool open() const { return ends_[0] >= 0; }
    int reader() const { return ends_[0]; }
    int writer() const { return ends_[1]; }
    int takeReader() { return std::exchange(ends_[0], -1); }
    int takeWriter() { return std::exchange(ends_[1], -1); }

private:
    std::array<int, 2> ends_{};
};

bool endsWithin(pid_t pid, std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (::waitpid(pid, nullptr, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

}  // namespace

Worker::Worker(std::string command, std::string role) : command_(std::move(command)), role_(std::move(role)) {
    Pipe in;
    Pipe out;
    std::string program = "fluxscope-cli";
    std::string serve = "serve";
    std::array<char*, 3> argv{program.data(), serve.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in.reader(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out.writer(), STDOUT_FILENO);
    const bool started = in.open() && out.open() &&
                         ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ) == 0;
    ::posix_spawn_file_actions_destroy(&actions);
    if (!started) {
        pid_ = 0;
        throw FaultError{command_, "", "cannot start " + role_, "free memory and try again"};
    }
    in_ = in.takeWriter();
    out_ = out.takeReader();
}

Worker::~Worker() {
    ::close(in_);
    if (pid_ != 0 && !endsWithin(pid_, kPatience)) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_);
}

protocol::Event Worker::ask(decltype(protocol::Request::what) what, const CancelToken& cancel,
                            const std::function<void(const protocol::ProgressEvent&)>& progress) {
    const std::int64_t id = ++lastId_;
    send(protocol::toLine(protocol::Request{id, std::move(what)}) + '\n');
    while (true) {
        protocol::Event event = nextEvent(cancel);
        if (event.re != id) continue;
        if (const auto* failed = std::get_if<protocol::FailedEvent>(&event.what))
            throw Error(failed->family, "", "", failed->message, "");
        if (const auto* at = std::get_if<protocol::ProgressEvent>(&event.what)) {
            if (progress) progress(*at);
        } else if (!std::holds_alternative<protocol::CaptureEvent>(event.what) &&
                   !std::holds_alternative<protocol::TokenEvent>(event.what)) {
            return event;
        }
    }
}

protocol::Event Worker::nextEvent(const CancelToken& cancel) {
    std::array<char, 65536> buffer{};
    while (true) {
        if (cancel.cancelled()) throw CancelledError{command_};
        if (const auto line = lines_.next()) return protocol::parseEvent(line->text);
        pollfd readable{out_, POLLIN, 0};
        const int ready = ::poll(&readable, 1, kGlanceMs);
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        const ssize_t n = ::read(out_, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) lost();
        lines_.feed({buffer.data(), static_cast<std::size_t>(n)});
    }
}

void Worker::send(const std::string& line) {
    std::size_t written = 0;
    while (written < line.size()) {
        const ssize_t n = ::write(in_, line.data() + written, line.size() - written);
        if (n > 0)
            written += static_cast<std::size_t>(n);
        else if (errno != EINTR)
            lost();
    }
}

void Worker::lost() {
    int status = 0;
    std::string how = "lost " + role_;
    if (const pid_t pid = std::exchange(pid_, 0); ::waitpid(pid, &status, 0) == pid) {
        if (WIFSIGNALED(status)) how += " to signal " + std::to_string(WTERMSIG(status));
        if (WIFEXITED(status)) how += ", which ended with exit code " + std::to_string(WEXITSTATUS(status));
    }
    throw FaultError{command_, "", how,
                     "nothing was kept; try again, with fewer programs beside it if memory ran out"};
}

}  // namespace fluxscope::cli
