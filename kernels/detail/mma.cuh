// Tensor cores in 16 bits (sm_80 and up): products of 16 x 16 and 16 x 8 with fp32 sums, the loads that bring shared memory
// into their registers, and copies into shared memory that run on beside the arithmetic.
//
// Of a 16 x 8 result lane l holds, with g = l / 4 and t = l % 4: (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
// Tiles lie in shared memory as rows of D + kPad elements: rows that are an odd number of 16 bytes apart meet no bank twice.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace fluxscope::cuda {

constexpr int kPad = 8;
constexpr int kVector = 8;  // elements of 16 bytes

__device__ inline unsigned sharedAddress(const void* pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// Four 8 x 8 matrices; lanes 8i .. 8i + 7 say where the rows of matrix i begin.
__device__ inline void loadMatrices(unsigned (&to)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(sharedAddress(row)));
}
__device__ inline void loadTurned(unsigned (&to)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(sharedAddress(row)));
}

template <class T, int D>
struct SharedTile {
    static constexpr int kRow = D + kPad;  // elements

    T* at;

    // Rows row .. row + 15 and columns column .. column + 15 as the left factor.
    __device__ void left(unsigned (&to)[4], int row, int column, int lane) const {
        loadMatrices(to, at + (row + lane % 16) * kRow + column + lane / 16 * 8);
    }
    // The same part, turned, as two right factors: {to[0], to[1]} for rows row .. row + 7, {to[2], to[3]} for the next 8.
    __device__ void rightOfRows(unsigned (&to)[4], int row, int column, int lane) const {
        loadMatrices(to, at + (row + lane % 8 + lane / 16 * 8) * kRow + column + lane / 8 % 2 * 8);
    }
    // As two right factors: {to[0], to[1]} for columns column .. column + 7, {to[2], to[3]} for the next 8.
    __device__ void rightOfColumns(unsigned (&to)[4], int row, int column, int lane) const {
        loadTurned(to, at + (row + lane % 16) * kRow + column + lane / 16 * 8);
    }

    // Starts to fetch rows [0, kRows): row r from `from` + r * stride, zeros where r is outside [begin, end) and from column
    // `dim` on. `wide`: every row begins at 16 bytes and dim is a multiple of kVector. Finished after waitForCopies().
    template <int kRows, int kThreads>
    __device__ void fetch(const T* from, std::int64_t stride, int begin, int end, int dim, bool wide) const {
        if (wide) {
            constexpr int kVectors = D / kVector;
            for (int i = static_cast<int>(threadIdx.x); i < kRows * kVectors; i += kThreads) {
                const int row = i / kVectors;
                const int column = i % kVectors * kVector;
                const bool there = row >= begin && row < end && column < dim;
                const T* source = there ? from + row * stride + column : from + begin * stride;
                asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                                 sharedAddress(at + row * kRow + column)),
                             "l"(source), "r"(there ? 16 : 0));
            }
        } else {
            for (int i = static_cast<int>(threadIdx.x); i < kRows * D; i += kThreads) {
                const int row = i / D;
                const int column = i % D;
                const bool there = row >= begin && row < end && column < dim;
                at[row * kRow + column] = there ? from[row * stride + column] : T(0.0F);
            }
        }
        asm volatile("cp.async.commit_group;");
    }
};

template <int kLeft>
__device__ inline void waitForCopies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kLeft));
}

// sum += left x right.
template <class T>
__device__ inline void multiply(float (&sum)[4], const unsigned (&left)[4], unsigned right0, unsigned right1);
template <>
__device__ inline void multiply<__half>(float (&sum)[4], const unsigned (&left)[4], unsigned right0,
                                        unsigned right1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
}
template <>
__device__ inline void multiply<__nv_bfloat16>(float (&sum)[4], const unsigned (&left)[4], unsigned right0,
                                               unsigned right1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
}

// Two neighbours of a row, the first in the low half.
template <class T>
__device__ inline unsigned packed(float low, float high);
template <>
__device__ inline unsigned packed<__half>(float low, float high) {
    const __half2 both = __floats2half2_rn(low, high);
    return *reinterpret_cast<const unsigned*>(&both);
}
template <>
__device__ inline unsigned packed<__nv_bfloat16>(float low, float high) {
    const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const unsigned*>(&both);
}

// Calls launch(integral_constant D) for the smallest padded head dimension that holds `dim`, which is at most 256.
template <class Launch>
void forPaddedDim(std::int64_t dim, Launch launch) {
    if (dim <= 32) return launch(std::integral_constant<int, 32>{});
    if (dim <= 64) return launch(std::integral_constant<int, 64>{});
    if (dim <= 128) return launch(std::integral_constant<int, 128>{});
    launch(std::integral_constant<int, 256>{});
}

inline bool isWide(const void* pointer, std::int64_t dim, std::int64_t headStride, std::int64_t rowStride) {
    return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0 && dim % kVector == 0 &&
           headStride % kVector == 0 && rowStride % kVector == 0;
}

}  // namespace fluxscope::cuda
