// The layer router: the mean of a layer's queries over both ends of the prompt and over heads, a small MLP, two logits.
// It is asked before any attention of the layer, and its answer takes its time to reach the host: start(), and later wait().
#pragma once

#include "engine/transformer/transformer.h"

#include <c10/core/Event.h>

#include <optional>

namespace fluxscope {

// Logits on their way from the device; wait() is where the host stops for them, and for nothing that was launched since.
class PendingLogits {
public:
    PendingLogits() = default;
    PendingLogits(at::Tensor logits, std::optional<c10::Event> arrived, at::Tensor headMeans)
        : logits_(std::move(logits)), arrived_(std::move(arrived)), headMeans_(std::move(headMeans)) {}

    std::optional<RouterLogits> wait() const;  // nothing when the layer has no router
    // [2P, dim], fp32, on the model's device: the queries of the first P and of the last P tokens, each a mean over heads.
    // A probe goes on from them. Undefined when the layer has no router.
    const at::Tensor& headMeans() const { return headMeans_; }

private:
    at::Tensor logits_;  // [2] or [1], fp32, on the host
    std::optional<c10::Event> arrived_;
    at::Tensor headMeans_;
};

class Router {
public:
    // `poolSize`: prompt tokens taken from each end. `sequences`: how many of a batch may be on their way at once.
    Router(const Transformer& transformer, std::int64_t poolSize, std::int64_t sequences = 1);

    // `prompt` [tokens, hidden]: what goes into the layer, before any attention of it. `slot` is the sequence's place in
    // the batch: what was started for a layer and slot is waited for before that layer and slot start again.
    PendingLogits start(LayerIndex layer, const at::Tensor& prompt, const Tracer& at,
                        std::int64_t slot = 0) const;
    // The MLP alone: `pooled` [..., dim], fp32, gives [..., 2], or [..., 1] of a sigmoid head.
    at::Tensor logits(LayerIndex layer, const at::Tensor& pooled) const;

    bool present() const { return !transformer_.weights().routers.empty(); }
    std::int64_t poolSize() const { return poolSize_; }
    std::int64_t layers() const { return transformer_.config().layers; }

private:
    const Transformer& transformer_;
    std::int64_t poolSize_;
    at::Tensor arrivals_;  // [layers, sequences, 2], pinned; undefined on the CPU
};

// A row of what Router::logits() gives, on the host. One logit is a sigmoid: two of which the other is 0.
RouterLogits routerLogitsOf(const float* row, std::int64_t logits);

}  // namespace fluxscope
