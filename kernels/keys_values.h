// Where the keys and values of one sequence lie. Strides are in elements; dim is contiguous.
//
//   k, v   kvHeads runs of rows: row j of head h starts at h * headStride + j * rowStride
//
// A cache [kvHeads, capacity, dim] has headStride capacity * dim and rowStride dim.
#pragma once

#include <cstdint>

struct CUstream_st;

namespace fluxscope {

using CudaStream = CUstream_st*;  // cudaStream_t, without its header

struct KeysValues {
    const void* k = nullptr;
    const void* v = nullptr;
    std::int64_t headStride = 0;
    std::int64_t rowStride = 0;
};

}  // namespace fluxscope
