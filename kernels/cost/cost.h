// What an operation must move and compute, counted once for profiler, roofline and prediction.
//
// The figures are *compulsory*: every weight and every input element read once from memory, every output element
// written once, nothing counted for caches or re-reads. A measured figure stands beside them, never instead of them.
// Each operation has its shape in a file of its own here; none of these headers knows LibTorch, CUDA or a kernel.
#pragma once

#include <cstdint>

namespace fluxscope::cost {

// Raised whenever a formula changes, and stored with every figure, so that two captures are comparable or say they are not.
inline constexpr int kVersion = 1;

enum class DType : std::uint8_t { F32, F16, BF16 };

constexpr std::int64_t bytesOf(DType type) { return type == DType::F32 ? 4 : 2; }

struct Cost {
    std::int64_t bytesRead = 0;
    std::int64_t bytesWritten = 0;
    std::int64_t flops = 0;

    constexpr Cost& operator+=(const Cost& other) {
        bytesRead += other.bytesRead;
        bytesWritten += other.bytesWritten;
        flops += other.flops;
        return *this;
    }
    friend constexpr Cost operator+(Cost a, const Cost& b) { return a += b; }
    friend constexpr bool operator==(const Cost&, const Cost&) = default;
};

}  // namespace fluxscope::cost
