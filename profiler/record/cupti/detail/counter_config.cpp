#include "profiler/record/cupti/detail/counter_config.h"

#include <array>

namespace fluxscope {
namespace {

constexpr std::array kTimeline{
    CounterMetric{"dram__bytes_read.sum", "dram_read_bytes"},
    CounterMetric{"dram__bytes_write.sum", "dram_write_bytes"},
    CounterMetric{"lts__t_bytes.sum", "l2_bytes"},
    CounterMetric{"LTS.TriageCompute.lts__average_t_sector_hit_rate_realtime.pct", "l2_hit_pct"},
    CounterMetric{"sm__cycles_active.avg.pct_of_peak_sustained_elapsed", "sm_active_pct"},
    CounterMetric{"sm__pipe_tensor_cycles_active_realtime.avg.pct_of_peak_sustained_elapsed",
                  "tensor_active_pct"},
    CounterMetric{"gr__cycles_active.avg.pct_of_peak_sustained_elapsed", "gpu_active_pct"},
    CounterMetric{"sm__inst_executed_realtime.avg.pct_of_peak_sustained_elapsed", "sm_issue_pct"},
    CounterMetric{"pcie__read_bytes.sum", "pcie_read_bytes"},
    CounterMetric{"pcie__write_bytes.sum", "pcie_write_bytes"},
    CounterMetric{"nvlrx__bytes.sum", "nvlink_received_bytes"},
    CounterMetric{"nvltx__bytes.sum", "nvlink_sent_bytes"},
    CounterMetric{"sys__cycles_elapsed.avg.per_second", "sys_clock_hz"},
    CounterMetric{"gpc__cycles_elapsed.avg.per_second", "sm_clock_hz"},
    CounterMetric{"dram__cycles_elapsed.avg.per_second", "dram_clock_hz"},
};

constexpr std::array kRange{
    CounterMetric{"dram__bytes_read.sum", "dram_read_bytes"},
    CounterMetric{"dram__bytes_write.sum", "dram_write_bytes"},
    CounterMetric{"lts__t_bytes.sum", "l2_bytes"},
    CounterMetric{"lts__t_sectors_op_read.sum", "l2_read_sectors"},
    CounterMetric{"lts__t_sectors_op_write.sum", "l2_write_sectors"},
    CounterMetric{"lts__d_sectors_fill_device.sum", "l2_fill_sectors"},
    CounterMetric{"gpu__time_duration.sum", "time_ns"},
    CounterMetric{"sm__cycles_active.sum", "sm_active_cycles"},
    CounterMetric{"sm__cycles_elapsed.sum", "sm_elapsed_cycles"},
    CounterMetric{"sm__pipe_tensor_cycles_active.sum", "tensor_active_cycles"},
};

}  // namespace

std::span<const CounterMetric> timelineMetrics() { return kTimeline; }
std::span<const CounterMetric> rangeMetrics() { return kRange; }

CounterConfig::CounterConfig(const CuptiApi& api, const char* chip,
                             std::span<const std::uint8_t> availability,
                             std::span<const CounterMetric> metrics)
    : api_(api),
      chip_(chip),
      availability_(availability.begin(), availability.end()),
      metrics_(metrics.begin(), metrics.end()),
      values_(metrics.size()) {
    for (const CounterMetric& metric : metrics) names_.push_back(metric.cupti);
}

CounterConfig::~CounterConfig() {
    if (host_ == nullptr) return;
    CUpti_Profiler_Host_Deinitialize_Params params{};
    params.structSize = CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE;
    params.pHostObject = host_;
    api_.hostDeinitialize(&params);
}

CounterConfig::Made CounterConfig::make(const CuptiApi& api, const char* collector, CUpti_ProfilerType type,
                                        const char* chip, std::span<const std::uint8_t> availability,
                                        std::span<const CounterMetric> metrics) {
    std::unique_ptr<CounterConfig> config(new CounterConfig(api, chip, availability, metrics));
    const auto refused = [&](const std::string& doing, CUptiResult error) {
        return shortfallOf(api, collector, doing, error);
    };

    CUpti_Profiler_Host_Initialize_Params init{};
    init.structSize = CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE;
    init.profilerType = type;
    init.pChipName = config->chip_.c_str();
    init.pCounterAvailabilityImage = availability.empty() ? nullptr : config->availability_.data();
    if (const CUptiResult error = api.hostInitialize(&init); error != CUPTI_SUCCESS)
        return refused("describe this GPU's counters with cuptiProfilerHostInitialize", error);
    config->host_ = init.pHostObject;

    CUpti_Profiler_Host_ConfigAddMetrics_Params add{};
    add.structSize = CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE;
    add.pHostObject = config->host_;
    add.ppMetricNames = config->names_.data();
    add.numMetrics = config->names_.size();
    if (const CUptiResult error = api.hostAddMetrics(&add); error != CUPTI_SUCCESS)
        return refused(metrics.size() == 1 ? "choose " + std::string(metrics[0].cupti) +
                                                 " with cuptiProfilerHostConfigAddMetrics"
                                           : "choose these counters with cuptiProfilerHostConfigAddMetrics",
                       error);

    CUpti_Profiler_Host_GetConfigImageSize_Params size{};
    size.structSize = CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE;
    size.pHostObject = config->host_;
    if (const CUptiResult error = api.hostConfigSize(&size); error != CUPTI_SUCCESS)
        return refused("set the counters up with cuptiProfilerHostGetConfigImageSize", error);
    config->image_.resize(size.configImageSize);

    CUpti_Profiler_Host_GetConfigImage_Params image{};
    image.structSize = CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE;
    image.pHostObject = config->host_;
    image.configImageSize = config->image_.size();
    image.pConfigImage = config->image_.data();
    if (const CUptiResult error = api.hostConfig(&image); error != CUPTI_SUCCESS)
        return refused("set the counters up with cuptiProfilerHostGetConfigImage", error);

    CUpti_Profiler_Host_GetNumOfPasses_Params passes{};
    passes.structSize = CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE;
    passes.configImageSize = config->image_.size();
    passes.pConfigImage = config->image_.data();
    if (const CUptiResult error = api.hostPasses(&passes); error != CUPTI_SUCCESS)
        return refused("set the counters up with cuptiProfilerHostGetNumOfPasses", error);
    config->passes_ = passes.numOfPasses;
    if (passes.numOfPasses != 1) {
        return Shortfall{collector,
                         "the " + std::string(chip) + " needs " + std::to_string(passes.numOfPasses) +
                             " passes for these counters, and a run goes by once",
                         "use a GPU of the Hopper generation"};
    }
    return config;
}

// A config that has refused one metric is not asked for another: each attempt starts afresh.
CounterConfig::Made CounterConfig::makeOfWhatIsOffered(const CuptiApi& api, const char* collector,
                                                       CUpti_ProfilerType type, const char* chip,
                                                       std::span<const std::uint8_t> availability,
                                                       std::span<const CounterMetric> metrics,
                                                       std::optional<Shortfall>& lacking) {
    lacking.reset();
    Made all = make(api, collector, type, chip, availability, metrics);
    if (!std::holds_alternative<Shortfall>(all)) return all;

    Made best = std::move(all);
    std::vector<CounterMetric> kept;
    std::string left;
    std::optional<Shortfall> first;
    for (const CounterMetric& metric : metrics) {
        kept.push_back(metric);
        Made more = make(api, collector, type, chip, availability, kept);
        if (auto* shortfall = std::get_if<Shortfall>(&more)) {
            kept.pop_back();
            left += (left.empty() ? "" : ", ") + std::string(metric.name);
            if (!first) first = std::move(*shortfall);
        } else {
            best = std::move(more);
        }
    }
    // An image that rules out everything says nothing about the GPU; switching the counters on will.
    if (kept.empty() && !availability.empty()) {
        Made without = makeOfWhatIsOffered(api, collector, type, chip, {}, metrics, lacking);
        if (!std::holds_alternative<Shortfall>(without)) return without;
    }
    if (kept.empty()) return std::move(*first);  // of one metric, and so it names it
    if (!left.empty())
        lacking = without(
            left, Shortfall{collector,
                            "CUPTI does not offer them on this GPU (of the first: " + first->why + ")", ""});
    return best;
}

std::span<const double> CounterConfig::evaluate(std::span<const std::uint8_t> data, std::size_t index) {
    CUpti_Profiler_Host_EvaluateToGpuValues_Params params{};
    params.structSize = CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE;
    params.pHostObject = host_;
    params.pCounterDataImage = data.data();
    params.counterDataImageSize = data.size();
    params.rangeIndex = index;
    params.ppMetricNames = names_.data();
    params.numMetrics = names_.size();
    params.pMetricValues = values_.data();
    if (api_.hostEvaluate(&params) != CUPTI_SUCCESS) return {};
    return values_;
}

std::variant<std::string, Shortfall> prepareCounters(const CuptiApi& api, const char* collector,
                                                     std::int32_t device) {
    CUpti_Profiler_Initialize_Params init{};
    init.structSize = CUpti_Profiler_Initialize_Params_STRUCT_SIZE;
    if (const CUptiResult error = api.profilerInitialize(&init); error != CUPTI_SUCCESS)
        return shortfallOf(api, collector, "profile on this machine with cuptiProfilerInitialize", error);
    CUpti_Device_GetChipName_Params chip{};
    chip.structSize = CUpti_Device_GetChipName_Params_STRUCT_SIZE;
    chip.deviceIndex = static_cast<std::size_t>(device);
    if (const CUptiResult error = api.chipName(&chip); error != CUPTI_SUCCESS || chip.pChipName == nullptr)
        return shortfallOf(api, collector, "name this GPU with cuptiDeviceGetChipName", error);
    return std::string(chip.pChipName);
}

}  // namespace fluxscope
