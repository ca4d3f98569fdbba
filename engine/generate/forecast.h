// The memory a run will need, before it starts; and what is free where it would compute.
#pragma once

#include "engine/engine.h"
#include "engine/generate/loaded_model.h"
#include "engine/generate/requests.h"

#include <string>
#include <vector>

namespace fluxscope {

std::int64_t availableBytes(const Compute& compute);

Forecast forecastOf(const LoadedModel& model, const RunRequest& request, const SparseForm& sparse,
                    const std::vector<PreparedPrompt>& prompts);

// "needs 3.1 GiB with all layers sparse to 9.8 GiB with all full, beside 2.0 GiB of weights; 1.2 GiB are free now"
std::string textOf(const Forecast& forecast);

// Throws MachineError when not even the least that the policy may come to can fit.
void requireFits(const Forecast& forecast, const Policy& policy);

}  // namespace fluxscope
