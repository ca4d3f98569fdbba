// What the name of a range says about where it lies in a forward pass.
//
// Our own names, "decode/step 3/layer 7/attention" and "decode/3/7/attention"; and what people write: "layer 12", "layer_12",
// "model.layers.12.self_attn", "prefill", "decode step 17", "mlp", "lm_head".
#pragma once

#include "engine/contract/observer.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace fluxscope {

struct NamedPlace {
    std::optional<Phase> phase;
    std::optional<std::int32_t> step;
    std::optional<std::int32_t> layer;
    std::optional<std::int32_t> chunk;
    std::optional<Op> op;

    bool saysNothing() const { return !phase && !step && !layer && !chunk && !op; }
    friend bool operator==(const NamedPlace&, const NamedPlace&) = default;
};

inline constexpr std::int32_t kMostLayersOfAName = 4096;

NamedPlace placeOfName(std::string_view name);

}  // namespace fluxscope
