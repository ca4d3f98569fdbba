// What the routers would say now, some tokens into the answer, if the text so far had been the prompt.
//
// A router looks at the first P and the last P tokens. While decoding, the first P are a sum that soon stands still and the
// last P a ring; the KV cache is not touched. Everything stays on the device at fixed addresses and is indexed by tensors,
// so that a captured step replays; only logits() makes the host wait.
#pragma once

#include "engine/contract/policy.h"
#include "engine/router/router.h"

#include <vector>

namespace fluxscope {

// A prompt's two ends as its prefill left them.
struct PromptEnds {
    std::int64_t tokens = 0;
    std::vector<at::Tensor> headMeans;  // by layer: PendingLogits::headMeans()
};

class RouterProbe {
public:
    // One or more sequences that decode together. The router outlives the probe.
    RouterProbe(const Router& router, const std::vector<PromptEnds>& sequences);

    // `queries` [rows, heads, dim]: a decode step's, after q-norm and before RoPE, a row a sequence; further rows are
    // padding. Layers in order: the last layer's ends the step.
    void push(LayerIndex layer, const at::Tensor& queries);

    // By layer, then by sequence.
    std::vector<std::vector<RouterLogits>> logits() const;

private:
    void place();  // slots_ and inFirst_ of the next step, from seen_

    const Router& router_;
    at::Tensor firstSum_;  // [layers, sequences, dim], over the first min(P, tokens so far)
    at::Tensor ring_;      // [layers, sequences * P, dim]: position n of sequence s lies in row s P + n mod P
    at::Tensor seen_;      // [sequences], int64: tokens so far
    at::Tensor bases_;     // [sequences], int64: s P
    at::Tensor slots_;     // [sequences], int64: the ring row of the step's token
    at::Tensor inFirst_;   // [sequences, 1], fp32: 1 while the step's token is one of the first P
};

// What becomes of a layer after a probe. Acting may only turn it from full to sparse: what a sparse layer has let go
// cannot come back. A probe that does not act, or a policy that asks no router, leaves attention as it is.
Decision reconsidered(const Policy& policy, LayerIndex layer, const Decision& current,
                      const RouterLogits& logits, bool act);

}  // namespace fluxscope
