#include "engine/kv/kv_arena.h"

#include <ATen/ops/empty.h>

namespace fluxscope {

constexpr std::int64_t kSlabElements = std::int64_t{1} << 20;
constexpr std::int64_t kAlignment = 64;  // elements: at least 128 bytes

at::Tensor KvArena::take(std::int64_t kvHeads, std::int64_t capacity, std::int64_t dim) {
    const std::int64_t wanted = kvHeads * capacity * dim;
    if (wanted >= kSlabElements) return at::empty({kvHeads, capacity, dim}, options_);  // goes on its own
    if (!slab_.defined() || slab_.numel() - used_ < wanted) {
        slab_ = at::empty({kSlabElements}, options_);
        used_ = 0;
    }
    at::Tensor taken = slab_.slice(0, used_, used_ + wanted).view({kvHeads, capacity, dim});
    used_ += (wanted + kAlignment - 1) / kAlignment * kAlignment;
    return taken;
}

}  // namespace fluxscope
