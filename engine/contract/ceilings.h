// What a machine can reach, as it was measured: the values that the engine's measurement, its host and the command line share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

struct CeilingRate {
    std::string what;         // "read", "copy", "triad"; of products "fp32", "bf16", "fp16"
    std::string how;          // "kernels/matmul, 2048 x 2048 x 2048"
    std::int64_t amount = 0;  // bytes or FLOPs of one repeat
    std::int64_t repeats = 0;
    // Bytes or FLOPs a second, over the repeats.
    double best = 0;
    double median = 0;
    double least = 0;

    friend bool operator==(const CeilingRate&, const CeilingRate&) = default;
};

struct MeasuredCeilings {
    std::string device;              // "cpu", "cuda:0"
    std::vector<CeilingRate> bytes;  // of memory
    std::vector<CeilingRate> flops;  // of matrix products; a type may have several ways

    friend bool operator==(const MeasuredCeilings&, const MeasuredCeilings&) = default;
};

// The fastest of them, of all or of those for one type; nullptr when there is none.
inline const CeilingRate* fastest(const std::vector<CeilingRate>& rates, std::string_view what = {}) {
    const CeilingRate* best = nullptr;
    for (const CeilingRate& rate : rates)
        if ((what.empty() || rate.what == what) && (best == nullptr || rate.best > best->best)) best = &rate;
    return best;
}

}  // namespace fluxscope
