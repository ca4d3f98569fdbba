// Exact bytes of each layer in each step: a range of the range profiler around every outermost scope of a layer, and around what
// lies outside all layers. Nothing is replayed, for the chosen counters fit into one pass.
#pragma once

#include "profiler/record/collector.h"
#include "profiler/record/cupti/detail/counter_config.h"
#include "profiler/record/host_timer.h"

#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace fluxscope {

class RangeCounters final : public Collector {
public:
    using Opened = std::variant<std::unique_ptr<RangeCounters>, Shortfall>;

    static Opened open(const CuptiApi& api, std::int32_t device, std::size_t ranges, Clock clock,
                       RecordSink& records, DeviceSink& sink);
    ~RangeCounters() override;

    std::string_view name(std::string_view /*device*/) const override { return "counters"; }
    ObserverNeeds needs() const override {
        return {.opScopes = true, .eager = true, .noDependentLaunch = true};
    }
    std::string_view timeSource(std::string_view device) const override { return timer_.timeSource(device); }

    void runBegan(const RunFacts& run) override;
    void scopeOpened(const ScopeKey& key) override;
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override;
    void runEnded() override;

private:
    RangeCounters(const CuptiApi& api, std::size_t ranges, Clock clock, RecordSink& records,
                  DeviceSink& sink);
    std::optional<Shortfall> setUp(std::int32_t device);
    CUptiResult startPass();
    void readOut();
    void giveUp(const char* doing, CUptiResult error);

    const CuptiApi api_;
    const std::size_t most_;
    DeviceSink& sink_;
    HostTimer timer_;
    std::unique_ptr<CounterConfig> config_;
    CUpti_RangeProfiler_Object* profiler_ = nullptr;
    std::vector<std::uint8_t> image_;
    std::vector<ScopeKey> ranges_;  // of this pass, in the order of their names
    std::optional<ScopeKey> open_;
    std::int32_t pass_ = 0;
    bool counting_ = false;
};

}  // namespace fluxscope
