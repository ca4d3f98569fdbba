// Which kernel computes attention: the one place where engine and kernels meet. A file of its own for each kind of prefill:
//
//   band.cpp        what a sink and a window describe: full, a model's own sliding window, streaming by tokens;
//                   flash.cpp is LibTorch's kernel for it on CUDA in 16 bits
//   streaming.cpp, triangle.cpp, longformer.cpp, bigbird.cpp   modes that are a rule, each with its reference
//   xattention.cpp  blocks chosen from the data
//   tiles.cpp       what rule and choice come down to: attention over a list of tiles
//
// docs/attention-modes.md says what each mode sees, keeps and costs.
#pragma once

#include "engine/contract/index.h"
#include "engine/contract/sparse_form.h"
#include "engine/transformer/compute.h"
#include "kernels/cost/op.h"
#include "kernels/keys_values.h"
#include "kernels/slot_decode/slot_decode.h"

#include <cstdint>
#include <optional>

namespace fluxscope {

// Queries begin .. end-1 of a prompt at one layer, and what lies in their KeysValues: with keys == end every position, with
// fewer [sink | last positions up to end]: the `sink` of kvNeedOf first, then as many last ones as `keys` leaves.
struct PrefillPlace {
    LayerIndex layer;
    std::int64_t prompt = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t keys = 0;
    std::int64_t kvHeads = 0;
    // A sliding window of the model itself: key j is seen by query i only when i - j < modelWindow. A sink or global keys that
    // a sparse form asks for stay visible behind it: they were asked for.
    std::optional<std::int64_t> modelWindow;
};

// What must lie there for a chunk: every position up to its end, or the first `sink` and the last `window` before the chunk.
struct KvNeed {
    bool whole = true;
    std::int64_t sink = 0;
    std::int64_t window = 0;
};
KvNeed kvNeedOf(PrefillMode mode, const SparseForm& form, std::optional<std::int64_t> modelWindow);

// Chunks must begin at multiples of this: 1, or 128 where a mode works in absolute blocks.
std::int64_t chunkMultipleOf(const SparseForm& form);

// q [end - begin, heads, dim] against the keys that lie there; returns the same shape. heads is a multiple of place.kvHeads:
// heads of one layer that are decided differently come in calls of their own. `priced`, where given, receives what was
// visited; without it nothing is fetched from a device to know that.
at::Tensor attendPrefill(const Compute& compute, PrefillMode mode, const SparseForm& form,
                         const PrefillPlace& place, const at::Tensor& q, const KeysValues& kv,
                         cost::OpShape* priced);

// q [sequences, heads, dim] against the slots of one layer; `table` lies where the model computes, and no entry ever has more
// than mostSlots used slots.
at::Tensor attendDecode(const Compute& compute, const SlotDecodeShape& shape, std::int64_t mostSlots,
                        const at::Tensor& q, const KvSlot* table);

}  // namespace fluxscope
