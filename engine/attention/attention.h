// Which kernel computes attention: the one place where engine and kernels meet.
#pragma once

#include "engine/contract/sparse_form.h"
#include "engine/transformer/compute.h"
#include "kernels/cost/attention.h"
#include "kernels/keys_values.h"
#include "kernels/slot_decode/slot_decode.h"

namespace fluxscope {

// q [rows, heads, dim] against keys that lie as `kv` says; returns [rows, heads, dim]. The shape's window and sink count for
// PrefillMode::Streaming alone.
at::Tensor attendPrefill(const Compute& compute, PrefillMode mode, const cost::AttentionShape& shape,
                         const at::Tensor& q, const KeysValues& kv);

// q [1, heads, dim] against the slots of one layer; `table` lies where the model computes.
at::Tensor attendDecode(const Compute& compute, const SlotDecodeShape& shape, const at::Tensor& q,
                        const KvSlot* table);

}  // namespace fluxscope
