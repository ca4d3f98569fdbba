#include "app/serve/detail/event_writer.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fluxscope {

void EventWriter::send(const protocol::Event& event) {
    const std::string line = protocol::toLine(event) + '\n';
    const std::lock_guard lock(mutex_);
    std::size_t written = 0;
    while (!broken_ && written < line.size()) {
        const ssize_t n = ::write(out_, line.data() + written, line.size() - written);
        if (n > 0) {
            written += static_cast<std::size_t>(n);
        } else if (errno != EINTR) {
            spdlog::info("nobody reads our events any more: {}", std::strerror(errno));
            broken_ = true;
        }
    }
}

bool EventWriter::broken() const {
    const std::lock_guard lock(mutex_);
    return broken_;
}

void JobReport::progress(const protocol::ProgressEvent& progress, Clock::time_point now) {
    if (progressSent_ && now - *progressSent_ < kInterval) return;
    progressSent_ = now;
    events_.send({request_, progress});
}

void JobReport::token(std::int64_t sequence, const std::string& text, Clock::time_point now) {
    text_[sequence] += text;
    if (textSent_ && now - *textSent_ < kInterval) return;
    textSent_ = now;
    flush();
}

void JobReport::flush() {
    for (const auto& [sequence, text] : text_)
        if (!text.empty()) events_.send({request_, protocol::TokenEvent{sequence, text}});
    text_.clear();
}

}  // namespace fluxscope
