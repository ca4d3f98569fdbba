// What deciding "full" costs each layer: the difference between twin runs of the same prompts, all-full and all-sparse.
//
// Twins are timed runs of one capture with the same model, device, dtype, chunk and collector, one under policy `full` and one
// under `sparse`; and of them the batches that hold the same prompts. A layer's prefill is its time in step 0 of the first
// turn; its decode the mean over the steps that both have. Repeats count as their median, with least and most beside it.
// Layers missing in either twin have no row.
//
// Without twins there are bytes and FLOPs of the two modes from kernels/cost, marked as modelled, and no times: a time that
// nobody measured would be believed.
#pragma once

#include "profiler/analysis/origin.h"
#include "profiler/capture/snapshot.h"

#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

// One figure of a layer in both modes, over repeats.
struct TwinTimes {
    double least = 0;
    double median = 0;
    double most = 0;
    std::int64_t repeats = 0;
};

struct DecisionCost {
    LayerIndex layer;
    Phase phase = Phase::Prefill;
    std::optional<TwinTimes> fullNs;  // of a step; absent: modelled only
    std::optional<TwinTimes> sparseNs;
    double fullBytes = 0;  // read and written, of a step
    double sparseBytes = 0;
    double fullFlops = 0;
    double sparseFlops = 0;

    // Of the medians. Absent without times.
    std::optional<double> costNs() const;
    double costBytes() const { return fullBytes - sparseBytes; }
};

struct DecisionCosts {
    std::vector<std::string> prompts;  // ids, of the batch
    std::string sparse;                // the form of the sparse twin
    bool modelled = false;             // no twins: bytes and FLOPs of attention from kernels/cost, no times
    bool attentionOnly = false;        // what the bytes and FLOPs count: the whole layer, or its attention
    std::string timeOrigin;            // or the sentence that says why there are no times
    std::string bytesOrigin;
    std::vector<RunIndex> fullRuns;
    std::vector<RunIndex> sparseRuns;
    std::vector<DecisionCost> rows;  // by phase, then layer
};

// Batches of a capture that were run under both policies, each with the runs of both sides.
struct TwinBatch {
    struct Side {
        RunIndex run;
        BatchIndex batch;
        friend bool operator==(const Side&, const Side&) = default;
    };
    std::vector<std::int64_t> prompts;  // of `prompt`, sorted
    std::vector<Side> full;             // one a repeat
    std::vector<Side> sparse;
};
std::vector<TwinBatch> twinBatches(const Snapshot& snapshot);

DecisionCosts decisionCosts(const Snapshot& snapshot, const TwinBatch& twins);

// Of one prompt of a run that has no twin. Empty rows where the sparse form is one whose work the data decides.
DecisionCosts modelledDecisionCosts(const Snapshot& snapshot, RunIndex run, SequenceIndex sequence);

}  // namespace fluxscope
