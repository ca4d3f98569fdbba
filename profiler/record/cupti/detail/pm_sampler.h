// The counters of a whole device, read on a timer of the device's own. It sees every process and the copy engines too.
#pragma once

#include "profiler/record/cupti/detail/counter_config.h"
#include "profiler/record/device_sampler.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

namespace fluxscope {

class PmSampler final : public DeviceSampler {
public:
    using Opened = std::variant<std::unique_ptr<PmSampler>, Shortfall>;

    static Opened open(const CuptiApi& api, std::int32_t device, std::chrono::nanoseconds interval);
    ~PmSampler() override;

    // Counters that this GPU does not offer. Absent: all are sampled.
    const std::optional<Shortfall>& lacking() const { return lacking_; }

    std::string_view name() const override { return "timeline"; }
    void beginRun(DeviceSink& sink) override;
    void endRun() override;

private:
    enum class Decoded { All, More, Failed };

    PmSampler(const CuptiApi& api, std::int32_t device);
    std::optional<Shortfall> setUp(std::chrono::nanoseconds interval);
    CUptiResult emptyImage();
    Decoded decode(DeviceSink& sink);
    void watch(DeviceSink& sink);

    const CuptiApi api_;
    const std::int32_t device_;
    std::unique_ptr<CounterConfig> config_;
    std::optional<Shortfall> lacking_;
    CUpti_PmSampling_Object* sampling_ = nullptr;
    std::vector<std::uint8_t> image_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;

    // The thread's.
    bool firstSample_ = true;
    std::int64_t overflows_ = 0;
    CUptiResult failed_ = CUPTI_SUCCESS;
};

}  // namespace fluxscope
