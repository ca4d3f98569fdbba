// The slots of a batch as the kernels read them: one entry a layer, sequence and KV head (kernels/kv_slot.h), where the model
// computes. Lengths and positions are counted there; the host only says that a step begins, and writes the table anew when
// sequences come, go or change what they keep.
#pragma once

#include "engine/kv/kv_cache.h"
#include "engine/transformer/compute.h"
#include "kernels/kv_slot.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace fluxscope {

class SlotTable {
public:
    SlotTable(const Compute& compute, std::int64_t layers, std::int64_t kvHeads)
        : compute_(compute), layers_(layers), kvHeads_(kvHeads) {}

    // Reads the sequences' entries anew if they are others than last time, or have been changed by more than steps.
    void refresh(std::span<KvCache* const> sequences);

    // A step begins: every length grows by one. Returns where the newest tokens stand, int64 [sequences], always the same
    // memory for the same sequences.
    const at::Tensor& beginStep();

    // k and v [sequences, kvHeads, dim] of the positions that the step stands at.
    void write(LayerIndex layer, const at::Tensor& k, const at::Tensor& v);

    const KvSlot* layer(LayerIndex layer) const;  // [sequences, kvHeads]
    // Slots that the layer's queries see, summed over sequences and KV heads.
    std::int64_t usedSlots(LayerIndex layer) const;
    std::int64_t mostSlots() const { return mostSlots_; }  // no head of any layer will ever use more

private:
    std::size_t rowOf(LayerIndex layer) const;

    Compute compute_;
    std::int64_t layers_;
    std::int64_t kvHeads_;
    std::vector<KvCache*> sequences_;
    std::vector<std::int64_t> revisions_;
    std::vector<KvSlot> host_;  // [layers, sequences, kvHeads]
    std::int64_t mostSlots_ = 0;
    at::Tensor device_;     // the same bytes, on a GPU only
    at::Tensor positions_;  // int64 [sequences]
};

}  // namespace fluxscope
