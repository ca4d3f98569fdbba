// A run: prompts in batches through prefill and decoding, with the observer told of all of it. And single passes without one.
#pragma once

#include "engine/engine.h"
#include "engine/generate/loaded_model.h"

namespace fluxscope {

RunResult generate(const LoadedModel& model, const RunRequest& request, Observer& observer,
                   const CancelToken& cancel);
ForwardResult forwardPass(const LoadedModel& model, const ForwardRequest& request, const CancelToken& cancel);
Forecast forecastRun(const LoadedModel& model, const RunRequest& request);

}  // namespace fluxscope
