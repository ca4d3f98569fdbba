// A file may hold any 64-bit number: sums and differences stop at the ends of the range, they never wrap around.
#pragma once

#include "engine/contract/index.h"

#include <cstdint>
#include <limits>

namespace fluxscope {

inline std::int64_t plus(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return b > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

inline std::int64_t minus(std::int64_t a, std::int64_t b) {
    std::int64_t difference = 0;
    if (!__builtin_sub_overflow(a, b, &difference)) return difference;
    return b < 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

inline Nanoseconds plus(Nanoseconds a, Nanoseconds b) { return Nanoseconds{plus(a.count(), b.count())}; }
inline Nanoseconds minus(Nanoseconds a, Nanoseconds b) { return Nanoseconds{minus(a.count(), b.count())}; }

inline double secondsOf(Nanoseconds time) { return static_cast<double>(time.count()) * 1e-9; }

}  // namespace fluxscope
