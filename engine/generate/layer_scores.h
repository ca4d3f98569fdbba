// What the entropy policy ranks layers by: the truncated matrix entropy of the hidden states that go into each layer, of a
// pass of the run's own prompts under full attention, averaged over prompts.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/generate/loaded_model.h"
#include "engine/generate/requests.h"
#include "engine/generate/run_plan.h"

#include <span>
#include <vector>

namespace fluxscope {

std::vector<double> layerScores(const LoadedModel& model, const RunPlan& plan,
                                std::span<const PreparedPrompt> prompts, const CancelToken& cancel);

}  // namespace fluxscope
