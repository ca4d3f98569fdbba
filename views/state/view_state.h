// What the window shows, as one value. Views send intents to the ViewStore and receive the new value; nothing else
// remembers a selection. Everything is named by keys that outlive a snapshot, never by positions in one.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/analysis/layer_costs.h"
#include "profiler/capture/snapshot.h"
#include "profiler/figure/routing_figure.h"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fluxscope {

// A capture is known by its file's canonical path: the same file opened twice is one capture.
struct CaptureKey {
    std::string file;
    friend auto operator<=>(const CaptureKey&, const CaptureKey&) = default;
};

// First and last included: a single step is {n, n}.
struct StepRange {
    StepIndex first;
    StepIndex last;

    bool contains(StepIndex step) const { return first <= step && step <= last; }
    friend bool operator==(const StepRange&, const StepRange&) = default;
};

struct TimeRange {
    Nanoseconds begin{};
    Nanoseconds end{};
    friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// A row of the kernel table.
struct KernelKey {
    RunIndex run;
    std::int64_t kernel = 0;
    friend bool operator==(const KernelKey&, const KernelKey&) = default;
};

// Positions of one sequence's tokens, prompt and generated, the last included.
struct TokenRange {
    TurnIndex turn;
    std::int64_t first = 0;
    std::int64_t last = 0;
    friend bool operator==(const TokenRange&, const TokenRange&) = default;
};

// Absent parts mean "all of". Across captures (prompt, phase, layer, step) is the key.
struct Selection {
    std::optional<RunIndex> run;
    std::optional<SequenceIndex> sequence;
    std::optional<Phase> phase;
    std::set<LayerIndex> layers;
    std::optional<StepRange> steps;
    std::optional<KernelKey> kernel;
    std::optional<TokenRange> tokens;
    std::optional<TrainingIndex> training;  // the first of its rows

    bool empty() const { return *this == Selection{}; }
    std::optional<LayerIndex> onlyLayer() const {
        return layers.size() == 1 ? std::optional(*layers.begin()) : std::nullopt;
    }
    friend bool operator==(const Selection&, const Selection&) = default;
};

// What is under the pointer right now. Not part of a ViewState: it is nowhere to come back to.
struct Hover {
    std::optional<RunIndex> run;
    std::optional<SequenceIndex> sequence;
    std::optional<LayerIndex> layer;
    std::optional<StepIndex> step;

    friend bool operator==(const Hover&, const Hover&) = default;
};

// What stands in the middle of the window.
enum class MainView : std::uint8_t { Routing, Training };

struct Colouring {
    RoutingColouring routing = RoutingColouring::Probability;  // of layers × prompts
    CostMeasure cost = CostMeasure::Time;                      // of layers × steps
    friend bool operator==(const Colouring&, const Colouring&) = default;
};

struct ViewState {
    std::optional<CaptureKey> capture;
    std::vector<CaptureKey> comparison;
    Selection selection;
    std::map<CaptureKey, TimeRange> timeRanges;
    std::string filter;  // over prompt ids and kinds
    Colouring colouring;
    MainView view = MainView::Routing;
    bool smoothTraining = true;  // averages over the raw curves

    friend bool operator==(const ViewState&, const ViewState&) = default;
};

}  // namespace fluxscope
