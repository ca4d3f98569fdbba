#include "engine/generate/layer_scores.h"

#include "engine/generate/chunk_size.h"
#include "engine/prefill/prefill.h"
#include "engine/router/entropy.h"

namespace fluxscope {

std::vector<double> layerScores(const LoadedModel& model, const RunPlan& plan,
                                std::span<const PreparedPrompt> prompts, const CancelToken& cancel) {
    const Transformer& transformer = model.transformer;
    const auto& entropy = std::get<EntropyPolicy>(plan.policy.kind());
    const Policy full{FullPolicy{}};
    std::vector<double> scores(static_cast<std::size_t>(transformer.config().layers), 0.0);
    for (const PreparedPrompt& prompt : prompts) {
        Observer nobody;
        const Tracer step(nobody, false, BatchIndex{}, Phase::Prefill, StepIndex{});
        KvCache kv(transformer.compute());
        const SequencePlan sequence{.tokens = prompt.ids,
                                    .positions = static_cast<std::int64_t>(prompt.ids.size()),
                                    .chunkTokens = chunkTokensOf(0, transformer, plan.sparse),
                                    .policy = &full,
                                    .sparse = plan.sparse,
                                    .kv = &kv};
        const RotaryTable rotary = transformer.rotary(sequence.positions);
        const Router router = model.router();
        Prefill prefill(transformer, router, rotary, cancel);
        prefill.onLayer([&](LayerIndex layer, const at::Tensor& hidden) {
            scores[static_cast<std::size_t>(layer.value())] +=
                truncatedMatrixEntropy(hidden, entropy.eigenvalues) / static_cast<double>(prompts.size());
        });
        prefill.run(std::span(&sequence, 1), step);
    }
    return scores;
}

}  // namespace fluxscope
