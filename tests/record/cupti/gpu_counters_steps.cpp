// How far the counters of a device come, call by call and metric by metric: for a GPU on which the timeline says that CUPTI
// refuses. --gtest_filter='TimelineSteps.*', in a process of its own.
#include "profiler/record/cupti/detail/counter_config.h"
#include "tests/record/cupti/gpu_work.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace fluxscope {
namespace {

class Steps {
public:
    explicit Steps(const CuptiApi& api) : api_(api) {}

    bool told(const char* call, CUptiResult error) const {
        const char* text = nullptr;
        if (api_.resultString == nullptr || api_.resultString(error, &text) != CUPTI_SUCCESS) text = "?";
        std::printf("%-44s %s (%d)\n", call, text, static_cast<int>(error));
        return error == CUPTI_SUCCESS;
    }

    std::vector<std::uint8_t> availability(const char* when) const {
        std::printf("-- availability image, %s\n", when);
        CUpti_PmSampling_GetCounterAvailability_Params params{};
        params.structSize = CUpti_PmSampling_GetCounterAvailability_Params_STRUCT_SIZE;
        if (!told("cuptiPmSamplingGetCounterAvailability size", api_.pmAvailability(&params))) return {};
        std::vector<std::uint8_t> image(params.counterAvailabilityImageSize);
        params.pCounterAvailabilityImage = image.data();
        if (!told("cuptiPmSamplingGetCounterAvailability", api_.pmAvailability(&params))) return {};
        std::size_t set = 0;
        for (const std::uint8_t byte : image) set += byte != 0 ? 1 : 0;
        std::printf("   %zu bytes, %zu of them not 0\n", image.size(), set);
        return image;
    }

    CounterConfig::Made make(const char* chip, const std::vector<std::uint8_t>& image,
                             std::span<const CounterMetric> metrics) const {
        return CounterConfig::make(api_, "timeline", CUPTI_PROFILER_TYPE_PM_SAMPLING, chip, image, metrics);
    }

    void each(const char* title, const char* chip, const std::vector<std::uint8_t>& image) const {
        std::printf("-- metrics one by one, %s\n", title);
        for (const CounterMetric& metric : timelineMetrics())
            tell(metric.cupti, make(chip, image, {&metric, 1}));
        tell("all together", make(chip, image, timelineMetrics()));
    }

    void enable(const char* title, CounterConfig& config) const {
        std::printf("-- switched on, %s\n", title);
        CUpti_PmSampling_Enable_Params enable{};
        enable.structSize = CUpti_PmSampling_Enable_Params_STRUCT_SIZE;
        if (!told("cuptiPmSamplingEnable", api_.pmEnable(&enable))) return;
        CUpti_PmSampling_SetConfig_Params set{};
        set.structSize = CUpti_PmSampling_SetConfig_Params_STRUCT_SIZE;
        set.pPmSamplingObject = enable.pPmSamplingObject;
        set.configSize = config.image().size();
        set.pConfig = config.image().data();
        set.hardwareBufferSize = 64U << 20;
        set.samplingInterval = 100'000;
        set.triggerMode = CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL;
        set.hwBufferAppendMode = CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_OLDEST;
        if (told("cuptiPmSamplingSetConfig", api_.pmSetConfig(&set)))
            sample(enable.pPmSamplingObject, config);
        CUpti_PmSampling_Disable_Params disable{};
        disable.structSize = CUpti_PmSampling_Disable_Params_STRUCT_SIZE;
        disable.pPmSamplingObject = enable.pPmSamplingObject;
        told("cuptiPmSamplingDisable", api_.pmDisable(&disable));
    }

private:
    // Copies of 16 GiB by kernels, and what each counter says of them.
    void sample(CUpti_PmSampling_Object* sampling, CounterConfig& config) const {
        CUpti_PmSampling_GetCounterDataSize_Params size{};
        size.structSize = CUpti_PmSampling_GetCounterDataSize_Params_STRUCT_SIZE;
        size.pPmSamplingObject = sampling;
        size.pMetricNames = config.names();
        size.numMetrics = config.metrics().size();
        size.maxSamples = 1024;
        if (!told("cuptiPmSamplingGetCounterDataSize", api_.pmDataSize(&size))) return;
        std::vector<std::uint8_t> image(size.counterDataSize);
        CUpti_PmSampling_CounterDataImage_Initialize_Params init{};
        init.structSize = CUpti_PmSampling_CounterDataImage_Initialize_Params_STRUCT_SIZE;
        init.pPmSamplingObject = sampling;
        init.counterDataSize = image.size();
        init.pCounterData = image.data();
        if (!told("cuptiPmSamplingCounterDataImageInitialize", api_.pmInitializeData(&init))) return;

        constexpr std::size_t bytes = std::size_t{1} << 30;
        static void* const from = testing::deviceMemory(bytes);
        static void* const to = testing::deviceMemory(bytes);
        testing::synchronize();
        CUpti_PmSampling_Start_Params start{};
        start.structSize = CUpti_PmSampling_Start_Params_STRUCT_SIZE;
        start.pPmSamplingObject = sampling;
        if (!told("cuptiPmSamplingStart", api_.pmStart(&start))) return;
        for (int i = 0; i < 16; ++i) testing::copyByKernel(to, from, bytes);
        testing::synchronize();
        CUpti_PmSampling_Stop_Params stop{};
        stop.structSize = CUpti_PmSampling_Stop_Params_STRUCT_SIZE;
        stop.pPmSamplingObject = sampling;
        told("cuptiPmSamplingStop", api_.pmStop(&stop));

        CUpti_PmSampling_DecodeData_Params decode{};
        decode.structSize = CUpti_PmSampling_DecodeData_Params_STRUCT_SIZE;
        decode.pPmSamplingObject = sampling;
        decode.pCounterDataImage = image.data();
        decode.counterDataImageSize = image.size();
        if (!told("cuptiPmSamplingDecodeData", api_.pmDecode(&decode))) return;
        CUpti_PmSampling_GetCounterDataInfo_Params info{};
        info.structSize = CUpti_PmSampling_GetCounterDataInfo_Params_STRUCT_SIZE;
        info.pCounterDataImage = image.data();
        info.counterDataImageSize = image.size();
        if (!told("cuptiPmSamplingGetCounterDataInfo", api_.pmDataInfo(&info))) return;
        std::printf("   %zu samples, stop reason %d\n", info.numCompletedSamples,
                    static_cast<int>(decode.decodeStopReason));
        std::vector<double> sums(config.metrics().size());
        std::size_t evaluated = 0;
        for (std::size_t i = 1; i < info.numCompletedSamples; ++i) {
            const std::span<const double> values = config.evaluate(image, i);
            if (!values.empty()) ++evaluated;
            for (std::size_t m = 0; m < values.size(); ++m) sums[m] += values[m];
        }
        for (std::size_t m = 0; m < sums.size(); ++m)
            std::printf("   %-76s sum %.6g, mean %.6g\n", config.metrics()[m].cupti, sums[m],
                        evaluated > 0 ? sums[m] / static_cast<double>(evaluated) : 0);
    }

    static void tell(const char* what, const CounterConfig::Made& made) {
        if (const auto* shortfall = std::get_if<Shortfall>(&made))
            std::printf("   %-76s %s\n", what, shortfall->why.c_str());
        else
            std::printf("   %-76s yes, %zu pass\n", what,
                        std::get<std::unique_ptr<CounterConfig>>(made)->passes());
    }

    const CuptiApi& api_;
};

TEST(TimelineSteps, someCountersCanBeSampled) {
    if (!testing::hasGpu()) GTEST_SKIP() << "no GPU";
    auto loaded = loadCupti();
    if (const auto* missing = std::get_if<CuptiMissing>(&loaded)) GTEST_SKIP() << missing->why;
    const auto& api = std::get<CuptiApi>(loaded);
    ASSERT_EQ(missingForSampling(api), nullptr);
    std::printf("libcupti %u, %s\n", api.version, api.library.c_str());
    const Steps steps(api);
    CUpti_Profiler_Initialize_Params init{};
    init.structSize = CUpti_Profiler_Initialize_Params_STRUCT_SIZE;
    ASSERT_TRUE(steps.told("cuptiProfilerInitialize", api.profilerInitialize(&init)));
    CUpti_Device_GetChipName_Params name{};
    name.structSize = CUpti_Device_GetChipName_Params_STRUCT_SIZE;
    ASSERT_TRUE(steps.told("cuptiDeviceGetChipName", api.chipName(&name)));
    const std::string chip = name.pChipName;
    std::printf("   %s\n", chip.c_str());

    const std::vector<std::uint8_t> early = steps.availability("before a context");
    testing::launchNothing();
    testing::synchronize();
    const std::vector<std::uint8_t> late = steps.availability("with a context");
    std::printf("   %s\n", early == late ? "the same as before" : "not the same as before");
    steps.each("without an image", chip.c_str(), {});
    if (!early.empty()) steps.each("image from before a context", chip.c_str(), early);
    if (!late.empty() && late != early) steps.each("image from with a context", chip.c_str(), late);

    std::optional<Shortfall> lacking;
    auto made = CounterConfig::makeOfWhatIsOffered(api, "timeline", CUPTI_PROFILER_TYPE_PM_SAMPLING,
                                                   chip.c_str(), late, timelineMetrics(), lacking);
    if (lacking) std::printf("%s\n", sentenceOf(*lacking).c_str());
    if (auto all = steps.make(chip.c_str(), {}, timelineMetrics());
        std::holds_alternative<std::unique_ptr<CounterConfig>>(all))
        steps.enable("all metrics, chosen without an image", *std::get<std::unique_ptr<CounterConfig>>(all));
    if (const auto* shortfall = std::get_if<Shortfall>(&made)) FAIL() << sentenceOf(*shortfall);
    steps.enable("what the image offers", *std::get<std::unique_ptr<CounterConfig>>(made));
}

}  // namespace
}  // namespace fluxscope
