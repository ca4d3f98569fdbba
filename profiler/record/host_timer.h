// Times every scope with the host's monotonic clock and sums up what each layer cost in each step.
//
// On a CPU this is the truth. In front of a device that runs behind the host it is the time it took to enqueue, and says so:
// its source is then 'host-enqueue'.
//
// A step that a device replays as a whole has no scopes inside: what its layers move and compute follows from the shapes of the
// recording, and the host knows no times for them. Their source is then 'none'.
//
// The sums are made here, on the engine's thread, so that they are whole even when single scopes are dropped later.
// A layer's time is that of its outermost scopes: chunks and ops inside them are not counted again.
#pragma once

#include "profiler/record/collector.h"

#include <map>
#include <vector>

namespace fluxscope {

class HostTimer final : public Collector {
public:
    HostTimer(Clock clock, RecordSink& sink);

    std::string_view name(std::string_view /*device*/) const override { return "host-timer"; }
    ObserverNeeds needs() const override { return {.opScopes = true}; }
    std::string_view timeSource(std::string_view device) const override;

    void runBegan(const RunFacts& run) override;
    void scopeOpened(const ScopeKey& key) override;
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override;
    void recordingBegan(RecordingIndex recording) override;
    void recordingEnded(RecordingIndex recording) override;
    void stepReplayed(const ScopeKey& step, RecordingIndex recording,
                      std::span<const std::int64_t> attended) override;
    void runEnded() override;

private:
    // What a recorded step costs: what is the same in every replay, and by layer what depends on how many slots are seen.
    struct Recording {
        std::map<LayerIndex, cost::Cost> layers;
        std::map<LayerIndex, cost::SlotAttentionShape> attention;
        std::optional<cost::Cost> outside;

        void add(const ScopeKey& key, const cost::OpShape& shape);
    };

    struct Open {
        ScopeKey key;
        bool outermost = false;  // the first of its layer; outside all layers, the first op
        Nanoseconds begin{};
    };

    bool isOutermost(const ScopeKey& key) const;
    LayerStepRecord& sumOf(const ScopeKey& key, Nanoseconds begin);
    void turnTo(const ScopeKey& key);
    void flushOutside();

    Clock clock_;
    RecordSink& sink_;
    std::string_view timeSource_;
    std::vector<Open> open_;
    std::optional<ScopeKey> step_;         // whose sums these are
    std::vector<LayerStepRecord> layers_;  // by layer; a zero begin: nothing yet
    std::optional<LayerStepRecord> outside_;
    std::map<RecordingIndex, Recording> recordings_;  // of this run
    Recording* inProgress_ = nullptr;
};

}  // namespace fluxscope
