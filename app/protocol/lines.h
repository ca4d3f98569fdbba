// A stream of bytes cut into lines. A line that is longer than any message may be is dropped as it arrives, so that a peer
// gone wild costs 64 MiB at most, and reported once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fluxscope::protocol {

inline constexpr std::size_t kLongestLine = 64U << 20U;

struct Line {
    std::string text;      // without its newline
    bool tooLong = false;  // then without its text
};

class LineSplitter {
public:
    explicit LineSplitter(std::size_t longest = kLongestLine) : longest_(longest) {}

    void feed(std::string_view bytes);
    // The next whole line, blank ones skipped.
    std::optional<Line> next();

private:
    std::size_t longest_;
    std::string buffer_;
    std::size_t begin_ = 0;     // of the first line not handed out
    std::size_t searched_ = 0;  // no newline lies before this
    bool dropping_ = false;
};

}  // namespace fluxscope::protocol
