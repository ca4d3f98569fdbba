// Memory for keys and values, taken slab by slab: what a layer needs is known only when its router has spoken, so nothing is
// reserved for the case that all layers are full. What is taken lives until the arena goes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace fluxscope {

class KvArena {
public:
    explicit KvArena(at::TensorOptions options) : options_(options) {}

    at::Tensor take(std::int64_t kvHeads, std::int64_t capacity,
                    std::int64_t dim);  // [kvHeads, capacity, dim]

private:
    at::TensorOptions options_;
    std::vector<at::Tensor> slabs_;
    std::int64_t used_ = 0;  // elements of the last slab
};

}  // namespace fluxscope
