// Which counters are read, and how their values come out of an image. Two sets, each of which the hardware can collect at once, so
// that nothing ever has to run twice (tests/record asks CUPTI for the number of passes).
#pragma once

#include "profiler/record/cupti/detail/errors.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fluxscope {

struct CounterMetric {
    const char* cupti;
    std::string_view name;  // ours
};

std::span<const CounterMetric> timelineMetrics();
std::span<const CounterMetric> rangeMetrics();

class CounterConfig {
public:
    using Made = std::variant<std::unique_ptr<CounterConfig>, Shortfall>;

    // All of the metrics or none. `availability` may be empty: then everything is taken to be there.
    static Made make(const CuptiApi& api, const char* collector, CUpti_ProfilerType type, const char* chip,
                     std::span<const std::uint8_t> availability, std::span<const CounterMetric> metrics);

    // As many of the metrics as this GPU offers together, the first ones first. What is left out is told in `lacking`.
    static Made makeOfWhatIsOffered(const CuptiApi& api, const char* collector, CUpti_ProfilerType type,
                                    const char* chip, std::span<const std::uint8_t> availability,
                                    std::span<const CounterMetric> metrics,
                                    std::optional<Shortfall>& lacking);
    ~CounterConfig();
    CounterConfig(const CounterConfig&) = delete;
    CounterConfig& operator=(const CounterConfig&) = delete;

    // CUPTI keeps a pointer to it: it lives as long as the counters are on.
    std::span<const std::uint8_t> image() const { return image_; }
    std::size_t passes() const { return passes_; }
    const char** names() { return names_.data(); }
    std::span<const CounterMetric> metrics() const { return metrics_; }

    // One value a metric, of the range or sample at `index`. Empty: CUPTI would not say.
    std::span<const double> evaluate(std::span<const std::uint8_t> data, std::size_t index);

private:
    CounterConfig(const CuptiApi& api, const char* chip, std::span<const std::uint8_t> availability,
                  std::span<const CounterMetric> metrics);

    const CuptiApi& api_;
    // CUPTI was given pointers into these, and nothing says that it copies.
    const std::string chip_;
    const std::vector<std::uint8_t> availability_;
    const std::vector<CounterMetric> metrics_;
    std::vector<const char*> names_;
    std::vector<std::uint8_t> image_;
    std::vector<double> values_;
    std::size_t passes_ = 0;
    CUpti_Profiler_Host_Object* host_ = nullptr;
};

// The chip's name as CUPTI has it, after its profiler has been set up. A driver and a device must be there.
std::variant<std::string, Shortfall> prepareCounters(const CuptiApi& api, const char* collector,
                                                     std::int32_t device);

}  // namespace fluxscope
