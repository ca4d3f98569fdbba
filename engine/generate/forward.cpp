// One pass over given ids, for their logits: prefill alone.
#include "engine/contract/error.h"
#include "engine/generate/chunk_size.h"
#include "engine/generate/failures.h"
#include "engine/generate/forecast.h"
#include "engine/generate/generate.h"
#include "engine/generate/layer_scores.h"
#include "engine/generate/requests.h"
#include "engine/prefill/prefill.h"

#include <cstring>

namespace fluxscope {
namespace {

constexpr std::int64_t kRowsAtOnce = 256;  // of [vocabulary] fp32 logits

// Copied out in pieces, so that the device never holds more than a few rows of a large vocabulary.
std::vector<float> logitsOf(const Transformer& transformer, const at::Tensor& hidden, const Tracer& step) {
    const std::int64_t vocabulary = transformer.config().vocabulary;
    std::vector<float> logits(static_cast<std::size_t>(hidden.size(0) * vocabulary));
    for (std::int64_t begin = 0; begin < hidden.size(0); begin += kRowsAtOnce) {
        const at::Tensor rows =
            transformer.logits(hidden.slice(0, begin, std::min(begin + kRowsAtOnce, hidden.size(0))), step)
                .to(at::kCPU)
                .contiguous();  // [some, vocabulary]
        std::memcpy(logits.data() + begin * vocabulary, rows.const_data_ptr<float>(), rows.nbytes());
    }
    return logits;
}

}  // namespace

ForwardResult forwardPass(const LoadedModel& model, const ForwardRequest& request,
                          const CancelToken& cancel) {
    const Transformer& transformer = model.transformer;
    RunPlan plan{
        .policy = request.policy, .sparse = request.sparse.value_or(model.defaultSparse), .obeyed = {}};
    requireForward(request, transformer.config());
    requireValid(plan.sparse);
    plan.policy.requireFits(model.facts.layers, model.facts.kvHeads, model.facts.routerParameters > 0);

    const PreparedPrompt prompt{.ids = request.ids};
    RunRequest asRun;
    asRun.maxNew = 1;
    asRun.chunkTokens = request.chunkTokens;
    const auto account = [&] { return "it " + textOf(forecastOf(model, asRun, plan.sparse, {prompt})); };
    requireFits(forecastOf(model, asRun, plan.sparse, {prompt}), plan.policy);
    return translated(
        [&] {
            if (plan.policy.needsScores())
                plan.policy = plan.policy.withScores(layerScores(model, plan, std::span(&prompt, 1), cancel));
            Observer nobody;
            const Tracer step(nobody, false, BatchIndex{}, Phase::Prefill, StepIndex{});
            KvCache kv(transformer.compute());
            const SequencePlan sequence{
                .tokens = request.ids,
                .positions = static_cast<std::int64_t>(request.ids.size()),
                .chunkTokens = chunkTokensOf(request.chunkTokens, transformer, plan.sparse),
                .policy = &plan.policy,
                .sparse = plan.sparse,
                .kv = &kv};
            const RotaryTable rotary = transformer.rotary(sequence.positions);
            const Router router = model.router();
            Prefill prefill(transformer, router, rotary, cancel);
            PrefilledSequence done = std::move(prefill.run(std::span(&sequence, 1), step).front());

            ForwardResult result;
            result.layers = std::move(done.routing);
            result.logits =
                logitsOf(transformer, done.hidden.slice(0, request.firstPosition, request.endPosition), step);
            return result;
        },
        account);
}

}  // namespace fluxscope
