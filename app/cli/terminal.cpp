#include "app/cli/terminal.h"

#include "engine/contract/error.h"
#include "profiler/figure/number.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace fluxscope::cli {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;

}  // namespace

Terminal::Terminal() : watched_(::isatty(STDERR_FILENO) == 1) {}

Terminal::~Terminal() { clearProgress(); }

void Terminal::result(std::string_view text) {
    clearProgress();
    const bool whole =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (!whole)
        throw MachineError{"stdout", "", "cannot be written", "is the disk full, or the reader gone?"};
}

void Terminal::resultJson(const nlohmann::json& json) {
    result(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
}

void Terminal::note(std::string_view sentence) {
    clearProgress();
    std::fprintf(stderr, "fluxscope-cli: %.*s\n", static_cast<int>(sentence.size()), sentence.data());
}

void Terminal::detail(std::string_view sentence) {
    if (watched_ || verbose_) note(sentence);
}

void Terminal::progress(const std::string& text) {
    const auto now = std::chrono::steady_clock::now();
    if (!watched_ || (shownAt_ && now - *shownAt_ < std::chrono::milliseconds(100))) return;
    shownAt_ = now;
    shown_ = true;
    std::fprintf(stderr, "\r\033[K%s", printable(text, 78).c_str());
    std::fflush(stderr);
}

void Terminal::clearProgress() {
    if (!shown_) return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    shown_ = false;
}

std::string byteText(std::int64_t bytes) { return formatted(static_cast<double>(bytes), Unit::Bytes); }

std::string rateText(std::int64_t bytes, double seconds) {
    return formatted(static_cast<double>(bytes) / seconds / 1e9, Unit::None) + " GB/s";
}

std::string remainingText(double seconds) {
    const auto left = std::llround(std::max(seconds, 0.0));
    if (left < 90) return std::to_string(left) + " s left";
    const auto minutes = (left + 30) / 60;
    if (minutes < 60) return std::to_string(minutes) + " min left";
    return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min left";
}

std::string timeText(double seconds) { return formatted(seconds * kNanosecondsPerSecond, Unit::Time); }

}  // namespace fluxscope::cli
