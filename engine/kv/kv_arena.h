// Memory for keys and values, taken slab by slab: what a layer needs is known only when its router has spoken, so nothing is
// reserved for the case that all layers are full. A slab goes when the last tensor taken from it does.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace fluxscope {

class KvArena {
public:
    explicit KvArena(at::TensorOptions options) : options_(options) {}

    at::Tensor take(std::int64_t kvHeads, std::int64_t capacity,
                    std::int64_t dim);  // [kvHeads, capacity, dim]

private:
    at::TensorOptions options_;
    at::Tensor slab_;        // the newest; older ones live in what was taken from them
    std::int64_t used_ = 0;  // its elements
};

}  // namespace fluxscope
