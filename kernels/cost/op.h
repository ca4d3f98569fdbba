// The shape of any one operation, as the engine announces it and the profiler prices it.
#pragma once

#include "kernels/cost/attention.h"
#include "kernels/cost/gated_mlp.h"
#include "kernels/cost/linear.h"
#include "kernels/cost/pointwise.h"
#include "kernels/cost/router.h"
#include "kernels/cost/slot_attention.h"
#include "kernels/cost/tiles.h"
#include "kernels/cost/xattention.h"

#include <variant>

namespace fluxscope::cost {

using OpShape = std::variant<LinearShape, PointwiseShape, AttentionShape, SlotAttentionShape,
                             TilesAttentionShape, XAttentionShape, GatedMlpShape, RouterShape>;

constexpr Cost costOf(const OpShape& shape) {
    return std::visit([](const auto& s) { return costOf(s); }, shape);
}

}  // namespace fluxscope::cost
