// Where words go: results to stdout, everything else to stderr, and progress to stderr only when a person looks at it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxscope::cli {

class Terminal {
public:
    Terminal();
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void result(std::string_view text);           // byte for byte
    void resultJson(const nlohmann::json& json);  // one value on one line
    void note(std::string_view sentence);         // "fluxscope-cli: sentence" on stderr
    void detail(std::string_view sentence);       // the same, for who looks at a terminal or asked for more
    void beVerbose() { verbose_ = true; }
    // One line that is written over, ten times a second at most, and wiped before anything else is said.
    void progress(const std::string& text);
    void clearProgress();

private:
    bool watched_ = false;  // stderr is a terminal
    bool verbose_ = false;
    bool shown_ = false;
    std::optional<std::chrono::steady_clock::time_point> shownAt_;
};

// As figures and reports write them: "12.3 MiB", "1.23 ms".
std::string byteText(std::int64_t bytes);
std::string timeText(double seconds);
std::string remainingText(double seconds);  // "12 s left", "3 min left", "2 h 5 min left"
// "7.82 GB/s", of 10^9 bytes, as links and disks are rated.
std::string rateText(std::int64_t bytes, double seconds);

}  // namespace fluxscope::cli
