#include "engine/generate/generate.h"

#include "engine/contract/error.h"
#include "engine/generate/batch_run.h"
#include "engine/generate/failures.h"
#include "engine/generate/forecast.h"
#include "engine/generate/layer_scores.h"
#include "engine/generate/requests.h"
#include "engine/generate/run_facts.h"

#include <algorithm>

namespace fluxscope {
namespace {

void requirePolicyFits(const LoadedModel& model, const Policy& policy) {
    policy.requireFits(model.facts.layers, model.facts.kvHeads, model.facts.routerParameters > 0);
}

RunResult runBatches(const LoadedModel& model, const RunRequest& request, const RunPlan& plan,
                     const std::vector<PreparedPrompt>& prompts, Observer& observer,
                     const CancelToken& cancel) {
    RunResult result;
    BatchRun run(model, request, plan, observer, cancel);
    const auto most = static_cast<std::size_t>(request.batch);
    BatchIndex batch;
    for (std::size_t first = 0; first < prompts.size(); first += most, ++batch) {
        if (cancel.cancelled()) throw CancelledError("the run");
        const std::span<const PreparedPrompt> some(prompts.data() + first,
                                                   std::min(most, prompts.size() - first));
        for (SequenceResult& sequence : run.run(batch, first, some))
            result.sequences.push_back(std::move(sequence));
    }
    return result;
}

// What the observer needs, and what of it the machine makes true anyway.
ObserverNeeds obeyedOf(const ObserverNeeds& needs, const RunRequest& request, const Compute& compute) {
    ObserverNeeds obeyed = needs;
    // Graphs are CUDA's, and no probe looks into them.
    obeyed.eager = needs.eager || !compute.isCuda() || request.probe.has_value() || repeatsProbes(request);
    obeyed.noDependentLaunch = true;  // no kernel here is launched so
    return obeyed;
}

}  // namespace

RunResult generate(const LoadedModel& model, const RunRequest& request, Observer& observer,
                   const CancelToken& cancel) {
    const Compute& compute = model.transformer.compute();
    RunPlan plan{.policy = request.policy,
                 .sparse = request.sparse.value_or(model.defaultSparse),
                 .obeyed = obeyedOf(observer.needs(), request, compute)};
    plan.ahead = !plan.obeyed.eager && !request.fidelity;  // else somebody looks into every step
    requireRunnable(request, model.facts);
    requireValid(plan.sparse);
    requirePolicyFits(model, plan.policy);
    if (turnsLayersSparse(request) && plan.sparse.decode == DecodeMode::Dense)
        throw UsageError(request.replay.empty() ? "--probe" : "--replay", "",
                         "turns layers sparse, and a sparse layer that decodes densely keeps everything",
                         "use a --sparse form that decodes streaming, or a probe that does not act");
    const std::vector<PreparedPrompt> prompts = preparePrompts(request, model);
    const auto account = [&] { return "it " + textOf(forecastOf(model, request, plan.sparse, prompts)); };
    requireFits(forecastOf(model, request, plan.sparse, prompts), plan.policy);
    if (plan.policy.needsScores())
        plan.policy = translated(
            [&] { return plan.policy.withScores(layerScores(model, plan, prompts, cancel)); }, account);

    observer.runBegan(runFactsOf(model, request, prompts, plan));
    try {
        RunResult result =
            translated([&] { return runBatches(model, request, plan, prompts, observer, cancel); }, account);
        observer.runEnded(RunOutcome::Finished, "");
        return result;
    } catch (const CancelledError& e) {
        observer.runEnded(RunOutcome::Cancelled, e.what());
        throw;
    } catch (const std::exception& e) {
        observer.runEnded(RunOutcome::Failed, e.what());
        throw;
    }
}

Forecast forecastRun(const LoadedModel& model, const RunRequest& request) {
    const SparseForm sparse = request.sparse.value_or(model.defaultSparse);
    requireRunnable(request, model.facts);
    requireValid(sparse);
    requirePolicyFits(model, request.policy);
    return forecastOf(model, request, sparse, preparePrompts(request, model));
}

}  // namespace fluxscope
