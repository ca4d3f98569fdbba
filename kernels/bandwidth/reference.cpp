#include "kernels/bandwidth/bandwidth.h"

namespace fluxscope {

std::uint64_t sumReference(const std::uint64_t* words, std::int64_t count) {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += words[i];
    return sum;
}

void copyReference(const float* from, std::int64_t count, float* to) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
}

void triadReference(const float* a, const float* b, float scale, std::int64_t count, float* to) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = a[i] + scale * b[i];
}

}  // namespace fluxscope
