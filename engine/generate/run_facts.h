// What a run tells its observer before anything is computed.
#pragma once

#include "engine/generate/loaded_model.h"
#include "engine/generate/requests.h"
#include "engine/generate/run_plan.h"

namespace fluxscope {

RunFacts runFactsOf(const LoadedModel& model, const RunRequest& request,
                    const std::vector<PreparedPrompt>& prompts, const RunPlan& plan);

}  // namespace fluxscope
