// Keys and values of one sequence while it decodes: per layer slots as kernels/kv_slot.h maps positions to them. A full layer
// has a slot for every position, a streaming one a sink and a ring; where KV heads of a layer differ, each kind is a group.
//
// Beside the slots every head keeps an undo of two: what the last two positions overwrote. So the last steps can be taken back
// exactly, also when a ring had already let go of what they replaced.
#pragma once

#include "engine/contract/index.h"
#include "engine/kv/kv_arena.h"
#include "engine/transformer/compute.h"
#include "kernels/kv_slot.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace fluxscope {

// KV heads of one layer that keep the same positions.
struct KvGroup {
    std::vector<std::int64_t> kvHeads;  // which of the layer's heads these are
    at::Tensor k;                       // [kvHeads.size(), capacity, dim], RoPE applied
    at::Tensor v;
    std::int64_t sink = 0;

    std::int64_t capacity() const { return k.size(1); }
    std::int64_t bytes() const { return static_cast<std::int64_t>(k.nbytes() + v.nbytes()); }
};

struct KvLayer {
    std::vector<KvGroup> groups;  // together every KV head of the layer once

    std::int64_t kvHeads() const;
    std::int64_t bytes() const;
};

class KvCache {
public:
    explicit KvCache(const Compute& compute) : compute_(compute), arena_(compute.options()) {}

    KvArena& arena() { return arena_; }
    void addLayer(KvLayer layer);
    std::int64_t layers() const { return static_cast<std::int64_t>(layers_.size()); }
    const KvLayer& layer(LayerIndex layer) const { return at(layer).kept; }
    std::int64_t bytes() const;  // of the slots; the undo is not attended and not counted

    std::int64_t length() const { return length_; }  // positions written so far, in every layer
    // After the prompt's keys and values have been put where their slots are. Nothing of it can be taken back.
    void setLength(std::int64_t length);
    // A decode step has written one more position (engine/decode).
    void advance();
    // Takes the last `positions` steps back: slots, lengths and all that follows are as if they had never been. At most two,
    // and only steps made since the last setLength.
    void rollback(std::int64_t positions);
    // From here on heads of the layer that hold every position keep sink + window slots, as if they had decoded that way from
    // the start; the memory of the rest is given back. Heads with a ring, and those with no more slots than that, stay as they
    // are.
    void narrow(LayerIndex layer, std::int64_t sink, std::int64_t window);

    // One entry for each of the layer's KV heads, as the kernels read them.
    void entries(LayerIndex layer, std::span<KvSlot> byHead) const;
    // Another number whenever entries() differ by more than the lengths that advance() counts.
    std::int64_t revision() const { return revision_; }

private:
    struct Undo {
        at::Tensor k;  // [kvHeads of the group, 2, dim]
        at::Tensor v;
    };
    struct Layer {
        KvLayer kept;
        std::vector<Undo> undo;  // by group
    };

    const Layer& at(LayerIndex layer) const { return layers_[static_cast<std::size_t>(layer.value())]; }
    KvGroup narrowed(const KvGroup& group, const Undo& undo, std::int64_t sink, std::int64_t window);

    Compute compute_;
    KvArena arena_;
    std::vector<Layer> layers_;
    std::int64_t length_ = 0;
    std::int64_t undoable_ = 0;
    std::int64_t revision_ = 0;
};

}  // namespace fluxscope
