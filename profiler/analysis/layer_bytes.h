// Bytes of each layer in each step, by where they come from, each source for itself:
//
//   analytic  what kernels/cost computes from shapes (the layer table)
//   hw_range  counted by the device around the layer's work (table traffic)
//   hw_pm     sampled over time (table sample) and joined to the layers by when their kernels ran
//
// Sources stand side by side. They are compared step by step, over the layers that all of them have; nothing adds them up.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"
#include "profiler/analysis/quality.h"
#include "profiler/analysis/traffic.h"
#include "profiler/capture/measured_traffic.h"
#include "profiler/capture/snapshot.h"

#include <span>
#include <string>
#include <vector>

namespace fluxscope {

struct LayerBytes {
    BatchIndex batch;
    TurnIndex turn;
    Phase phase = Phase::Prefill;
    StepIndex step;
    std::optional<LayerIndex> layer;  // absent: outside all layers
    double read = 0;
    double written = 0;

    // Of hw_pm: how many samples' worth of time it is, in how many samples nothing else ran, and what that is worth.
    double samplesWorth = 0;
    std::int64_t samplesInside = 0;
    Confidence confidence = Confidence::High;

    double bytes() const { return read + written; }
};

struct BytesOfSource {
    std::string source;  // "analytic", "hw_range", "hw_pm"
    std::int32_t costVersion = 0;
    std::vector<LayerBytes> rows;  // by batch, turn, phase, step, layer

    std::string origin() const;
};

BytesOfSource analyticBytes(const Snapshot& snapshot, RunIndex run);

// Of range counters. Of a scope that several passes counted, the first one's.
BytesOfSource countedBytes(const RunTraffic& traffic);

inline constexpr std::int64_t kSamplesForHigh = 16;
inline constexpr std::int64_t kSamplesForMedium = 4;

// PM samples of DRAM joined by time to the layers whose kernels ran. A sample's bytes are spread evenly over the time in it in which
// any kernel ran; a moment in which several layers ran is shared by them equally. What moved while nothing ran is nobody's, and so
// is what moved for kernels that belong to no scope. Confidence by the samples that lie inside, in which nothing but this layer
// ran: high from 16 on (at most one in eight is shared with a neighbour), medium from 4 on; low too where a tenth of the layer's time or
// more was not sampled.
BytesOfSource sampledBytes(const KernelColumnsView& kernels, std::span<const SampleColumns> samples);

// For the gate: of each step the sum over the layers that every source with rows in that step has. Sampled steps of less than
// kSamplesForMedium samples are not compared.
std::vector<StepBytes> stepBytesOf(std::span<const BytesOfSource> sources);

struct PhaseBytes {
    Phase phase = Phase::Prefill;
    std::optional<LayerIndex> layer;  // absent: all of them, and what lies outside
    std::string source;
    std::string origin;
    double read = 0;
    double written = 0;
    std::int64_t steps = 0;          // (batch, turn, step)
    std::int64_t layerSteps = 0;     // rows summed up, what lies outside all layers too
    std::int64_t lowConfidence = 0;  // of them
};

// By phase, or by phase and layer (then without what lies outside all layers), the sources in the order given.
std::vector<PhaseBytes> bytesByPhase(std::span<const BytesOfSource> sources);
std::vector<PhaseBytes> bytesByLayer(std::span<const BytesOfSource> sources);

}  // namespace fluxscope
