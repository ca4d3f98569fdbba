// The layer router: the mean of a layer's queries over both ends of the prompt and over heads, a small MLP, two logits.
#pragma once

#include "engine/transformer/transformer.h"

#include <optional>

namespace fluxscope {

// Logits on their way from the device; wait() is where the host stops for them.
class PendingLogits {
public:
    PendingLogits() = default;
    explicit PendingLogits(at::Tensor logits) : logits_(std::move(logits)) {}

    std::optional<RouterLogits> wait() const;  // nothing when the layer has no router

private:
    at::Tensor logits_;  // [2] or [1], fp32
};

class Router {
public:
    // `poolSize`: prompt tokens taken from each end.
    Router(const Transformer& transformer, std::int64_t poolSize)
        : transformer_(transformer), poolSize_(poolSize) {}

    // `prompt` [tokens, hidden]: what goes into the layer, before any attention of it.
    PendingLogits start(LayerIndex layer, const at::Tensor& prompt, const Tracer& at) const;

private:
    const Transformer& transformer_;
    std::int64_t poolSize_;
};

}  // namespace fluxscope
