// What the KV caches hold, by layer, by sequence and over steps, beside what full caches of the same lengths would.
//
// Kept and freed are recorded by the engine when a layer's decision takes effect and again when a probe narrows it; between
// two records a figure holds. full = kept + freed.
#pragma once

#include "profiler/capture/snapshot.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

struct KvBytes {
    double kept = 0;
    double freed = 0;

    double full() const { return kept + freed; }
    double freedShare() const { return full() > 0 ? freed / full() : 0; }
};

struct KvLayer {
    LayerIndex layer;
    KvBytes bytes;               // at the end of what is recorded, summed over sequences
    std::int64_t sequences = 0;  // that have a record of this layer
};

struct KvSequence {
    SequenceIndex sequence;
    BatchIndex batch;
    std::string promptId;
    std::int64_t promptTokens = 0;
    KvBytes bytes;
};

struct KvBatch {
    BatchIndex batch;
    std::int64_t sequences = 0;
    KvBytes bytes;
};

// The state after a step, summed over layers and sequences. Only steps that changed something have one.
struct KvMoment {
    TurnIndex turn;
    StepIndex step;
    KvBytes bytes;
};

struct KvMemory {
    RunIndex run;
    std::string policy;
    std::vector<KvLayer> layers;
    std::vector<KvSequence> sequences;
    std::vector<KvBatch> batches;
    std::vector<KvMoment> moments;
    KvBytes total;
    std::string origin;

    bool empty() const { return layers.empty(); }
};

// Of a run, or of one of its sequences.
KvMemory kvMemory(const Snapshot& snapshot, RunIndex run,
                  std::optional<SequenceIndex> sequence = std::nullopt);

}  // namespace fluxscope
