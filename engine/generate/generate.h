// A run: every prompt through prefill and greedy decoding, one after the other, with the observer told of all of it.
#pragma once

#include "engine/engine.h"
#include "engine/generate/requests.h"
#include "engine/router/router.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/transformer/transformer.h"

namespace fluxscope {

struct LoadedModel {
    ModelFacts facts;
    Transformer transformer;
    Tokenizer tokenizer;
    SparseForm defaultSparse;

    Router router() const { return {transformer, facts.poolSize}; }
};

RunResult generate(const LoadedModel& model, const RunRequest& request, Observer& observer,
                   const CancelToken& cancel);
ForwardResult forwardPass(const LoadedModel& model, const ForwardRequest& request, const CancelToken& cancel);

}  // namespace fluxscope
