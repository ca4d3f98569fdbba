#include "engine/decode/slot_table.h"

#include "kernels/kv_write/kv_write.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cassert>

namespace fluxscope {

constexpr std::int64_t kPaddingPlaces = 2 + 2 * kUndoSlots;  // a slot of k and of v, and their undo

bool SlotTable::refresh(std::span<KvCache* const> sequences, std::int64_t rows) {
    std::vector<std::int64_t> revisions;
    revisions.reserve(sequences.size());
    for (const KvCache* kv : sequences) revisions.push_back(kv->revision());
    if (rows == rows_ && revisions == revisions_ && std::ranges::equal(sequences, sequences_)) return false;
    sequences_.assign(sequences.begin(), sequences.end());
    revisions_ = std::move(revisions);

    const bool moved = rows != rows_;
    if (moved) makeRoom(rows);
    const auto kvHeads = static_cast<std::size_t>(kvHeads_);
    std::span<KvSlot> rest = host_;
    for (std::int64_t l = 0; l < layers_; ++l) {
        for (const KvCache* kv : sequences) {
            kv->entries(LayerIndex::of(l), rest.first(kvHeads));
            rest = rest.subspan(kvHeads);
        }
        const std::size_t padding = (static_cast<std::size_t>(rows) - sequences.size()) * kvHeads;
        pad(rest.first(padding));
        rest = rest.subspan(padding);
    }
    std::int64_t most = 0;
    for (const KvSlot& entry : host_) most = std::max(most, entry.capacity);
    const bool grown = most > mostSlots_;
    if (moved || grown) mostSlots_ = most;  // what was recorded for more stays right for less
    if (compute_.isCuda()) {
        const auto bytes = static_cast<std::int64_t>(host_.size() * sizeof(KvSlot));
        // From pageable memory: it has left host_ when copy_ returns.
        device_.copy_(at::from_blob(host_.data(), {bytes}, at::TensorOptions().dtype(at::kByte)));
    }
    return moved || grown;
}

void SlotTable::makeRoom(std::int64_t rows) {
    rows_ = rows;
    host_.resize(static_cast<std::size_t>(layers_ * rows * kvHeads_));
    positions_ = at::zeros({rows}, compute_.options().dtype(at::kLong));
    padding_ = at::zeros({rows, kvHeads_, kPaddingPlaces, dim_}, compute_.options());
    if (compute_.isCuda())
        device_ = at::empty({static_cast<std::int64_t>(host_.size() * sizeof(KvSlot))},
                            compute_.options().dtype(at::kByte));
}

void SlotTable::pad(std::span<KvSlot> entries) const {
    auto* place = static_cast<std::byte*>(padding_.mutable_data_ptr());
    const std::int64_t bytes = dim_ * padding_.element_size();
    for (KvSlot& entry : entries) {
        entry = {.k = place,
                 .v = place + bytes,
                 .capacity = 1,
                 .sink = 0,
                 .length = 0,
                 .undoK = place + 2 * bytes,
                 .undoV = place + (2 + kUndoSlots) * bytes};
        place += kPaddingPlaces * bytes;
    }
}

void SlotTable::countStep() {
    if (!compute_.isCuda()) return;  // the table itself lies in host_
    for (KvSlot& entry : host_) ++entry.length;
}

const at::Tensor& SlotTable::beginStep() {
    const KvTableShape shape{.layers = layers_, .sequences = rows_, .kvHeads = kvHeads_};
    auto* positions = positions_.mutable_data_ptr<std::int64_t>();
#ifdef FLUXSCOPE_CUDA
    if (compute_.isCuda()) {
        beginStepCuda(shape, static_cast<KvSlot*>(device_.mutable_data_ptr()), positions, compute_.stream());
        return positions_;
    }
#endif
    fluxscope::beginStep(shape, host_.data(), positions);
    return positions_;
}

void SlotTable::write(LayerIndex index, const at::Tensor& k, const at::Tensor& v) {
    assert(kvHeads_ == 1 || (k.stride(1) == dim_ && v.stride(1) == dim_));
    assert(k.stride(2) == 1 && v.stride(2) == 1);
    const KvWriteShape shape{.sequences = rows_,
                             .kvHeads = kvHeads_,
                             .dim = dim_,
                             .kStride = k.stride(0),
                             .vStride = v.stride(0),
                             .type = compute_.costType};
#ifdef FLUXSCOPE_CUDA
    if (compute_.isCuda())
        return kvWriteCuda(shape, k.const_data_ptr(), v.const_data_ptr(), layer(index), compute_.stream());
#endif
    kvWriteCpu(shape, k.const_data_ptr(), v.const_data_ptr(), layer(index));
}

const KvSlot* SlotTable::layer(LayerIndex layer) const {
    if (!compute_.isCuda()) return host_.data() + entriesBefore(layer);
    return static_cast<const KvSlot*>(device_.const_data_ptr()) + entriesBefore(layer);
}

std::int64_t SlotTable::usedSlots(LayerIndex layer) const {
    std::int64_t sum = 0;
    const std::span<const KvSlot> all = host_;
    for (const KvSlot& entry : all.subspan(entriesBefore(layer), static_cast<std::size_t>(rows_ * kvHeads_)))
        sum += fluxscope::usedSlots(entry);
    return sum;
}

std::size_t SlotTable::entriesBefore(LayerIndex layer) const {
    return static_cast<std::size_t>(layer.value() * rows_ * kvHeads_);
}

}  // namespace fluxscope
