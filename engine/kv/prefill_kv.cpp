#include "engine/kv/prefill_kv.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cassert>

namespace fluxscope {

at::Tensor KvScratch::of(at::Tensor& memory, std::int64_t kvHeads, std::int64_t capacity,
                         std::int64_t dim) const {
    const std::int64_t wanted = kvHeads * capacity * dim;
    if (!memory.defined() || memory.numel() < wanted) memory = at::empty({wanted}, options_);
    return memory.slice(0, 0, wanted).view({kvHeads, capacity, dim});
}

at::Tensor KvScratch::keys(std::int64_t kvHeads, std::int64_t capacity, std::int64_t dim) {
    return of(keys_, kvHeads, capacity, dim);
}

at::Tensor KvScratch::values(std::int64_t kvHeads, std::int64_t capacity, std::int64_t dim) {
    return of(values_, kvHeads, capacity, dim);
}

PrefillKv::PrefillKv(PrefillKvPlan plan, KvScratch& scratch, KvArena& arena, const KvGroup* earlier)
    : plan_(std::move(plan)), arena_(arena) {
    const auto heads = static_cast<std::int64_t>(plan_.kvHeads.size());
    if (!plan_.keeps) {
        k_ = arena.take(heads, plan_.positions, plan_.dim);
        v_ = arena.take(heads, plan_.positions, plan_.dim);
    } else {
        const std::int64_t window = plan_.need.sink + plan_.need.window + plan_.chunk;
        const std::int64_t capacity = plan_.need.whole ? plan_.end : std::min(plan_.end, window);
        k_ = scratch.keys(heads, capacity, plan_.dim);
        v_ = scratch.values(heads, capacity, plan_.dim);
    }
    if (earlier) takeOver(*earlier);
}

// A ring of slots becomes [sink | window, oldest first]; position n lay in slot sink + (n - sink) mod (capacity - sink).
void PrefillKv::takeOver(const KvGroup& earlier) {
    const std::int64_t capacity = earlier.k.size(1);
    const auto copy = [&](std::int64_t to, std::int64_t slot, std::int64_t count) {
        if (count == 0) return;
        k_.slice(1, to, to + count).copy_(earlier.k.slice(1, slot, slot + count));
        v_.slice(1, to, to + count).copy_(earlier.v.slice(1, slot, slot + count));
    };
    kept_ = std::min(plan_.begin, capacity);
    if (plan_.begin <= capacity) return copy(0, 0, kept_);
    const std::int64_t sink = earlier.sink;
    const std::int64_t oldest = sink + (plan_.begin - sink) % (capacity - sink);
    copy(0, 0, sink);
    copy(sink, oldest, capacity - oldest);
    copy(sink + capacity - oldest, sink, oldest - sink);
}

void PrefillKv::append(const at::Tensor& k, const at::Tensor& v) {
    const std::int64_t rows = k.size(0);
    if (kept_ + rows > k_.size(1)) dropBehindWindow();
    assert(kept_ + rows <= k_.size(1));
    k_.slice(1, kept_, kept_ + rows).copy_(k.transpose(0, 1));
    v_.slice(1, kept_, kept_ + rows).copy_(v.transpose(0, 1));
    kept_ += rows;
}

// [sink | ... | last window] becomes [sink | last window].
void PrefillKv::dropBehindWindow() {
    const auto [whole, sink, size] = plan_.need;
    assert(!whole && kept_ > sink + size);
    for (const at::Tensor& t : {k_, v_}) {
        const at::Tensor window = t.slice(1, kept_ - size, kept_).clone();  // the places overlap
        t.slice(1, sink, sink + size).copy_(window);
    }
    kept_ = sink + size;
}

KeysValues PrefillKv::view() const {
    return {.k = k_.const_data_ptr(),
            .v = v_.const_data_ptr(),
            .headStride = k_.stride(0),
            .rowStride = k_.stride(1)};
}

KvGroup PrefillKv::seal() {
    if (plan_.keeps) return ring();
    return {.kvHeads = std::move(plan_.kvHeads), .k = std::move(k_), .v = std::move(v_), .sink = 0};
}

// Position p of the window goes to slot sink + (p - sink) mod window: one run of slots that wraps once.
KvGroup PrefillKv::ring() {
    const auto [sink, window] = *plan_.keeps;
    const auto heads = static_cast<std::int64_t>(plan_.kvHeads.size());
    const std::int64_t capacity = std::min(sink + window, plan_.positions);
    KvGroup group{.kvHeads = std::move(plan_.kvHeads),
                  .k = arena_.take(heads, capacity, plan_.dim),
                  .v = arena_.take(heads, capacity, plan_.dim),
                  .sink = std::min(sink, capacity - 1)};
    const auto copy = [&](std::int64_t slot, std::int64_t key, std::int64_t count) {
        group.k.slice(1, slot, slot + count).copy_(k_.slice(1, key, key + count));
        group.v.slice(1, slot, slot + count).copy_(v_.slice(1, key, key + count));
    };
    if (plan_.end <= capacity) {
        copy(0, 0, plan_.end);
        return group;
    }
    const std::int64_t firstKey = kept_ - window;
    const std::int64_t wrap =
        (plan_.end - window - sink) % window;  // the slot of the window's first position
    copy(0, 0, sink);
    copy(sink + wrap, firstKey, window - wrap);
    copy(sink, firstKey + window - wrap, wrap);
    return group;
}

}  // namespace fluxscope
