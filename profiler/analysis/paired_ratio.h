// How many times as long one thing takes as another, from pairs of runs that were neighbours in time.
//
// A pair's ratio is with / without: what drifts (clocks, heat, other programs) is the same for both of a pair. The estimate is the
// median of these ratios. Its interval is exact and asks for no distribution: of n ratios in rising order, the k-th and the
// k-th from the end enclose the median unless fewer than k of them lie on one of its sides, which is as likely as fewer than k
// heads in n tosses of a coin. The largest k that leaves at least 95 % is taken. With fewer than six pairs there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace fluxscope {

struct Pair {
    double without = 0;
    double with = 0;
};

struct PairedRatio {
    std::int64_t pairs = 0;  // whose both sides are above 0
    double medianWithout = 0;
    double medianWith = 0;
    double ratio = 1;
    double low = 1;
    double high = 1;
    double coverage = 0;  // of the interval, at least 0.95

    bool includesNoChange() const { return low <= 1 && 1 <= high; }
    friend bool operator==(const PairedRatio&, const PairedRatio&) = default;
};

inline constexpr const char* kPairedRatioMethod =
    "exact order-statistic interval of the median ratio of pairs";
inline constexpr std::int64_t kFewestPairs = 6;

// Absent when there are fewer than kFewestPairs with finite values above 0 on both sides.
std::optional<PairedRatio> pairedRatio(std::span<const Pair> pairs);

// "+1.2 % (95 % interval -0.3 % to +2.9 %)"; what the ratio says beyond 1.
std::string changeText(const PairedRatio& ratio);

}  // namespace fluxscope
