// Where the values of a sample lie. A percentile is linear between the two nearest values (as numpy's default), so that the
// median of two is their mean.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope {

struct Percentiles {
    std::int64_t count = 0;  // of finite values; with 0 all others are 0 too
    double least = 0;
    double p10 = 0;
    double p25 = 0;
    double median = 0;
    double p75 = 0;
    double p90 = 0;
    double p99 = 0;
    double most = 0;
    double mean = 0;

    friend bool operator==(const Percentiles&, const Percentiles&) = default;
};

// Values that are not finite are left out.
Percentiles percentilesOf(std::vector<double> values);

// `sorted` is not empty and rises; share in [0, 1].
double percentileOf(const std::vector<double>& sorted, double share);

}  // namespace fluxscope
