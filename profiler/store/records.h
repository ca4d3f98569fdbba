// What a recorder hands to the writer, one record an event, in the order of the engine's events.
// Times are on the recording process's monotonic clock.
#pragma once

#include "engine/contract/observer.h"
#include "kernels/cost/cost.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

// Something the numbers depend on, and how it was learnt.
struct EnvironmentFact {
    std::string name;
    std::string value;
    std::string source;
};

struct ProcessRecord {
    std::string host;
    std::int64_t pid = 0;
    std::string program;
    std::string collector;
    Nanoseconds monotonic{};  // the same moment on both clocks
    Nanoseconds utc{};
    std::vector<EnvironmentFact> environment;
};

struct DecisionRecord {
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
    LayerIndex layer;
    Decision decision;
};

struct KvRecord {
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
    LayerIndex layer;
    KvFacts kv;
};

struct TurnRecord {
    SequenceIndex sequence;
    TurnIndex turn;
    TurnFacts facts;
};

struct TokenRecord {
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
    TokenFacts token;
    Nanoseconds emitted{};
};

struct FidelityRecord {
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
    FidelityStep fidelity;
};

enum class CollectorState : std::uint8_t { Running, Stopped, Missing };

std::string_view nameOf(CollectorState state);

// What became of a collector that was asked for. The last word on one counts.
struct CollectorRecord {
    std::string name;  // "trace", "timeline", "counters", "host-timer", "nvml"
    CollectorState state = CollectorState::Running;
    std::string reason;
    std::string remedy;
};

// A figure that says how good a run's record is: resources/schema.sql, table quality.
struct QualityRecord {
    std::string figure;
    double value = 0;
    std::string note;
};

struct ScopeRecord {
    ScopeKey key;
    Nanoseconds begin{};
    Nanoseconds end{};
    std::optional<cost::Cost> cost;
};

struct TrainingBegan {
    std::shared_ptr<const TrainingFacts> facts;
    Nanoseconds at{};
};

struct TrainingStepRecord {
    TrainingStep step;
    Nanoseconds at{};  // its end
};

struct TrainingWarningRecord {
    std::int64_t step = 0;
    std::string text;
};

struct TrainingEnded {
    RunOutcome outcome = RunOutcome::Finished;
    std::string reason;
    Nanoseconds at{};
};

// What a layer cost in a step so far: a later record with the same key replaces it.
struct LayerStepRecord {
    BatchIndex batch;
    TurnIndex turn;
    Phase phase = Phase::Prefill;
    StepIndex step;
    std::optional<LayerIndex> layer;  // absent: outside all layers
    Nanoseconds begin{};
    Nanoseconds time{};
    Nanoseconds router{};
    Nanoseconds attention{};
    std::string_view timeSource;  // a literal: 'host-timer', 'host-enqueue', 'none' (no time is known)
    cost::Cost cost;              // analytic
};

}  // namespace fluxscope
