// Prompts go through the model: layer by layer, and inside a layer chunk by chunk. This is the engine's centre.
//
// The router of a layer looks at that layer's queries of the prompt's first and last tokens. So no chunk of a layer may be
// computed before its decision, and none of the next layer before this one is through: the chunk loop is inside the layer
// loop, and the hidden states of whole prompts stay in memory. The prompts of a batch take turns inside a layer: its weights
// are then read by all of them while they are at hand.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/contract/policy.h"
#include "engine/engine.h"
#include "engine/prefill/pace.h"
#include "engine/prefill/sequence_prefill.h"
#include "engine/router/router.h"
#include "engine/transformer/transformer.h"

#include <functional>
#include <span>
#include <vector>

namespace fluxscope {

class Prefill {
public:
    // Told of the hidden states [tokens, hidden] that go into a layer, of each prompt.
    using LayerTap = std::function<void(LayerIndex, const at::Tensor&)>;

    Prefill(const Transformer& transformer, const Router& router, const RotaryTable& rotary,
            const CancelToken& cancel)
        : model_(transformer),
          router_(router),
          rotary_(rotary),
          pace_(transformer.compute(), cancel),
          scratch_(transformer.compute()) {}

    void onLayer(LayerTap tap) { tap_ = std::move(tap); }

    // Sends the prompts of `plans` through all layers; each one's keys and values go to its cache. Throws CancelledError
    // between chunks.
    std::vector<PrefilledSequence> run(std::span<const SequencePlan> plans, const Tracer& step);

private:
    const Transformer& model_;
    const Router& router_;
    const RotaryTable& rotary_;
    Pace pace_;
    PrefillScratch scratch_;
    LayerTap tap_;
};

}  // namespace fluxscope
