#include "engine/kv/kv_cache.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cassert>

namespace fluxscope {
namespace {

std::byte* rowOf(const at::Tensor& t, std::int64_t row) {
    return static_cast<std::byte*>(t.mutable_data_ptr()) + row * t.stride(0) * t.element_size();
}

}  // namespace

std::int64_t KvLayer::kvHeads() const {
    std::int64_t sum = 0;
    for (const KvGroup& group : groups) sum += static_cast<std::int64_t>(group.kvHeads.size());
    return sum;
}

std::int64_t KvLayer::bytes() const {
    std::int64_t sum = 0;
    for (const KvGroup& group : groups) sum += group.bytes();
    return sum;
}

void KvCache::addLayer(KvLayer layer) {
    Layer added{.kept = std::move(layer), .undo = {}};
    for (const KvGroup& group : added.kept.groups) {
        const std::int64_t heads = group.k.size(0);
        const std::int64_t dim = group.k.size(2);
        assert(heads == static_cast<std::int64_t>(group.kvHeads.size()) && group.sink < group.capacity());
        added.undo.push_back(
            {.k = arena_.take(heads, kUndoSlots, dim), .v = arena_.take(heads, kUndoSlots, dim)});
    }
    layers_.push_back(std::move(added));
    ++revision_;
}

std::int64_t KvCache::bytes() const {
    std::int64_t sum = 0;
    for (const Layer& layer : layers_) sum += layer.kept.bytes();
    return sum;
}

void KvCache::setLength(std::int64_t length) {
    length_ = length;
    undoable_ = 0;
    ++revision_;
}

void KvCache::advance() {
    ++length_;
    undoable_ = std::min(undoable_ + 1, kUndoSlots);
}

void KvCache::rollback(std::int64_t positions) {
    assert(positions <= undoable_);
    if (positions == 0) return;
    for (std::int64_t p = length_ - 1; p >= length_ - positions; --p) {
        for (const Layer& layer : layers_) {
            for (std::size_t g = 0; g < layer.undo.size(); ++g) {
                const KvGroup& group = layer.kept.groups[g];
                if (p < group.capacity()) continue;  // it stood in a slot of its own
                const std::int64_t slot = slotOf(p, group.capacity(), group.sink);
                group.k.select(1, slot).copy_(layer.undo[g].k.select(1, p % kUndoSlots));
                group.v.select(1, slot).copy_(layer.undo[g].v.select(1, p % kUndoSlots));
            }
        }
    }
    length_ -= positions;
    undoable_ -= positions;
    ++revision_;
}

void KvCache::narrow(LayerIndex index, std::int64_t sink, std::int64_t window) {
    Layer& layer = layers_[static_cast<std::size_t>(index.value())];
    for (std::size_t g = 0; g < layer.undo.size(); ++g) {
        KvGroup& group = layer.kept.groups[g];
        const bool linear = length_ <= group.capacity();  // position p lies in slot p
        if (linear && group.capacity() > sink + window) group = narrowed(group, layer.undo[g], sink, window);
    }
    ++revision_;
}

KvGroup KvCache::narrowed(const KvGroup& group, const Undo& undo, std::int64_t sink, std::int64_t window) {
    const std::int64_t capacity = sink + window;
    const std::int64_t dim = group.k.size(2);
    std::vector<std::int64_t> positions;  // by slot
    const std::int64_t first = std::max<std::int64_t>(0, length_ - window);
    positions.resize(static_cast<std::size_t>(std::min(length_, capacity)));
    for (std::int64_t p = 0; p < std::min(sink, length_); ++p) positions[static_cast<std::size_t>(p)] = p;
    for (std::int64_t p = std::max(first, sink); p < length_; ++p)
        positions[static_cast<std::size_t>(slotOf(p, capacity, sink))] = p;
    const at::Tensor taken = at::tensor(positions, at::kLong).to(compute_.device);
    const auto used = static_cast<std::int64_t>(positions.size());

    KvGroup ring{.kvHeads = group.kvHeads,
                 .k = arena_.take(group.k.size(0), capacity, dim),
                 .v = arena_.take(group.v.size(0), capacity, dim),
                 .sink = sink};
    ring.k.slice(1, 0, used).copy_(group.k.index_select(1, taken));
    ring.v.slice(1, 0, used).copy_(group.v.index_select(1, taken));
    // What the last steps would have overwritten, had the ring been there.
    for (std::int64_t p = length_ - undoable_; p < length_; ++p) {
        if (p < capacity) continue;
        undo.k.select(1, p % kUndoSlots).copy_(group.k.select(1, p - window));
        undo.v.select(1, p % kUndoSlots).copy_(group.v.select(1, p - window));
    }
    return ring;
}

void KvCache::entries(LayerIndex index, std::span<KvSlot> byHead) const {
    const Layer& layer = at(index);
    for (std::size_t g = 0; g < layer.undo.size(); ++g) {
        const KvGroup& group = layer.kept.groups[g];
        for (std::size_t i = 0; i < group.kvHeads.size(); ++i) {
            const auto row = static_cast<std::int64_t>(i);
            byHead[static_cast<std::size_t>(group.kvHeads[i])] = {.k = rowOf(group.k, row),
                                                                  .v = rowOf(group.v, row),
                                                                  .capacity = group.capacity(),
                                                                  .sink = group.sink,
                                                                  .length = length_,
                                                                  .undoK = rowOf(layer.undo[g].k, row),
                                                                  .undoV = rowOf(layer.undo[g].v, row)};
        }
    }
}

}  // namespace fluxscope
