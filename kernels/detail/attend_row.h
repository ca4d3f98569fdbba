// One query of one head against two runs of keys: what all three attention kernels come down to on a CPU.
// The keys of `front` (a sink, may be empty) are taken first, then those of `back`.
#pragma once

#include <cstdint>

namespace fluxscope {

struct KeyRun {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

struct AttendRow {
    const float* q = nullptr;  // [dim]
    const float* k = nullptr;  // row j at j * rowStride
    const float* v = nullptr;
    float* out = nullptr;  // [dim], may alias q
    std::int64_t rowStride = 0;
    std::int64_t dim = 0;
    KeyRun front;
    KeyRun back;
    float* scores = nullptr;  // scratch for as many keys as both runs have
};

void attendRow(const AttendRow& row);

}  // namespace fluxscope
