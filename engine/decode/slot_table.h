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
    SlotTable(const Compute& compute, std::int64_t layers, std::int64_t kvHeads, std::int64_t dim)
        : compute_(compute), layers_(layers), kvHeads_(kvHeads), dim_(dim) {}

    // Reads the sequences' entries anew if they are others than last time, or have been changed by more than steps. Rows beyond
    // the sequences write to a slot of their own and see nothing else. True if a step that was recorded before is no longer
    // right: the table lies elsewhere, or somebody keeps more than anybody did.
    bool refresh(std::span<KvCache* const> sequences, std::int64_t rows);

    // A step is two things: the host counts it, once, and every entry's length grows by one where the kernels read it. The
    // latter returns where the newest tokens stand, int64 [rows], always in the same memory for the same number of rows.
    void countStep();
    const at::Tensor& beginStep();

    // k and v [rows, kvHeads, dim] of the positions that the step stands at.
    void write(LayerIndex layer, const at::Tensor& k, const at::Tensor& v);

    std::int64_t rows() const { return rows_; }
    const KvSlot* layer(LayerIndex layer) const;  // [rows, kvHeads]
    // Slots that the layer's queries see, summed over rows and KV heads.
    std::int64_t usedSlots(LayerIndex layer) const;
    std::int64_t mostSlots() const { return mostSlots_; }  // no head of any layer will ever use more

private:
    std::size_t entriesBefore(LayerIndex layer) const;
    void pad(std::span<KvSlot> entries) const;
    void makeRoom(std::int64_t rows);

    Compute compute_;
    std::int64_t layers_;
    std::int64_t kvHeads_;
    std::int64_t dim_;
    std::int64_t rows_ = 0;
    std::int64_t mostSlots_ = 0;
    std::vector<KvCache*> sequences_;
    std::vector<std::int64_t> revisions_;
    std::vector<KvSlot> host_;  // [layers, rows, kvHeads]; on a CPU the table itself
    at::Tensor device_;         // the same bytes, on a GPU only
    at::Tensor positions_;      // int64 [rows]
    at::Tensor padding_;  // [rows, kvHeads, 2 + 2 * kUndoSlots, dim]: where rows without a sequence write
};

}  // namespace fluxscope
