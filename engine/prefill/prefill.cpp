#include "engine/prefill/prefill.h"

namespace fluxscope {

std::vector<PrefilledSequence> Prefill::run(std::span<const SequencePlan> plans, const Tracer& step) {
    std::vector<SequencePrefill> sequences;
    sequences.reserve(plans.size());
    for (const SequencePlan& plan : plans)
        sequences.emplace_back(model_, router_, rotary_, plan, sequences.size(), scratch_, pace_, step);

    for (std::int64_t l = 0; l < model_.config().layers; ++l) {
        const LayerIndex layer = LayerIndex::of(l);
        const Tracer here = step.layer(layer);
        const auto scope = here.open();
        ChunkIndex chunk;  // numbered through the batch
        for (SequencePrefill& sequence : sequences) {
            if (tap_) tap_(layer, sequence.hidden());
            chunk = sequence.layer(layer, here, chunk);
        }
    }
    std::vector<PrefilledSequence> done;
    done.reserve(sequences.size());
    for (SequencePrefill& sequence : sequences) done.push_back(sequence.finish());
    return done;
}

}  // namespace fluxscope
