#include "engine/generate/run_facts.h"

#include "engine/generate/chunk_size.h"

namespace fluxscope {

RunFacts runFactsOf(const LoadedModel& model, const RunRequest& request,
                    const std::vector<PreparedPrompt>& prompts, const RunPlan& plan) {
    const Compute& compute = model.transformer.compute();
    RunFacts facts{.role = request.fidelity ? RunRole::Verify : request.role,
                   .repeat = request.repeat,
                   .model = model.facts,
                   .policy = plan.policy,
                   .sparse = plan.sparse,
                   .seed = request.seed,
                   .sampling = request.sampling,
                   .maxNew = request.maxNew,
                   .chunkTokens = static_cast<std::int32_t>(
                       chunkTokensOf(request.chunkTokens, model.transformer, plan.sparse)),
                   .device = compute.deviceName(),
                   .dtype = compute.typeName(),
                   .obeyed = plan.obeyed,
                   .sequences = {}};
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        const Prompt& asked = request.prompts[i];
        facts.sequences.push_back({.promptId = asked.id,
                                   .kind = asked.kind,
                                   .split = asked.split,
                                   .text = prompts[i].text,
                                   .answer = asked.answer,
                                   .promptIds = prompts[i].ids,
                                   .byteRanges = prompts[i].byteRanges});
    }
    return facts;
}

}  // namespace fluxscope
