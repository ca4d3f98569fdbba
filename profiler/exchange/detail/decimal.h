// Microseconds as a trace writes them, "1700000000000000.123", to whole nanoseconds: a double would lose the last digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fluxscope {

// Absent: no such number, or one that no clock shows.
inline std::optional<std::int64_t> nanosecondsOf(std::string_view microseconds) {
    constexpr std::int64_t kMostMicroseconds = std::int64_t{1} << 52;
    const bool negative = microseconds.starts_with('-');
    if (negative) microseconds.remove_prefix(1);
    std::int64_t whole = 0, thousandths = 0;
    int decimals = 0;
    bool afterPoint = false;
    if (microseconds.empty()) return std::nullopt;
    for (const char c : microseconds) {
        if (c == '.' && !afterPoint) {
            afterPoint = true;
        } else if (c < '0' || c > '9') {
            return std::nullopt;  // an exponent too: no profiler writes times so
        } else if (!afterPoint) {
            whole = whole * 10 + (c - '0');
            if (whole > kMostMicroseconds) return std::nullopt;
        } else if (decimals < 3) {
            thousandths = thousandths * 10 + (c - '0');
            ++decimals;
        }
    }
    for (; decimals < 3; ++decimals) thousandths *= 10;
    const std::int64_t value = whole * 1000 + thousandths;
    return negative ? -value : value;
}

}  // namespace fluxscope
