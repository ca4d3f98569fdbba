#include "app/cli/terminal.h"

#include "engine/contract/error.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace fluxscope::cli {
namespace {

std::string scaled(double value, const std::array<const char*, 5>& units) {
    std::size_t unit = 0;
    while (value >= 1000 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), unit == 0 || value >= 100 ? "%.0f%s%s" : "%.1f%s%s", value,
                  *units[unit] == '\0' ? "" : " ", units[unit]);
    return text.data();
}

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

std::string byteText(std::int64_t bytes) {
    return scaled(static_cast<double>(bytes), {"B", "kB", "MB", "GB", "TB"});
}

std::string countText(std::int64_t count) {
    return scaled(static_cast<double>(count), {"", "k", "M", "G", "T"});
}

std::string timeText(double seconds) {
    std::array<char, 48> text{};
    if (seconds < 1)
        std::snprintf(text.data(), text.size(), "%.1f ms", seconds * 1e3);
    else
        std::snprintf(text.data(), text.size(), "%.2f s", seconds);
    return text.data();
}

}  // namespace fluxscope::cli
