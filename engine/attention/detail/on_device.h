// Small tables on their way to a kernel: lists of tiles and the like.
#pragma once

#include "engine/transformer/compute.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace fluxscope {

// Bytes where the model computes. From pinned memory, so that the copy waits for nothing; LibTorch keeps that memory until the
// copy has happened.
template <class T>
at::Tensor onDevice(const Compute& compute, std::span<const T> table) {
    const auto bytes = static_cast<std::int64_t>(table.size_bytes());
    const at::Tensor host = at::empty({std::max<std::int64_t>(bytes, 1)},
                                      at::TensorOptions().dtype(at::kByte).pinned_memory(compute.isCuda()));
    if (bytes > 0) std::memcpy(host.mutable_data_ptr(), table.data(), table.size_bytes());
    return host.to(compute.device, /*non_blocking=*/true);
}

template <class T>
const T* dataOf(const at::Tensor& bytes) {
    return static_cast<const T*>(bytes.const_data_ptr());
}

}  // namespace fluxscope
