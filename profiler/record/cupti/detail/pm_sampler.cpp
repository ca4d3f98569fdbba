#include "profiler/record/cupti/detail/pm_sampler.h"

#include <algorithm>
#include <utility>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;

constexpr const char* kCollector = "timeline";
constexpr std::string_view kSource = "hw_pm";
constexpr std::uint32_t kSamples = 1024;            // of an image: 25 MB
constexpr std::size_t kHardwareBytes = 128U << 20;  // what the device keeps until it is decoded
constexpr std::chrono::nanoseconds kFinest = 50us;  // below, samples are lost (docs/collectors.md)

}  // namespace

PmSampler::PmSampler(const CuptiApi& api, std::int32_t device) : api_(api), device_(device) {}

PmSampler::Opened PmSampler::open(const CuptiApi& api, std::int32_t device,
                                  std::chrono::nanoseconds interval) {
    if (const char* symbol = missingForSampling(api))
        return shortfallOfSymbol(kCollector, symbol, api.version);
    std::unique_ptr<PmSampler> sampler(new PmSampler(api, device));
    if (auto shortfall = sampler->setUp(std::max(interval, kFinest))) return *std::move(shortfall);
    return sampler;
}

PmSampler::~PmSampler() {
    endRun();
    if (sampling_ == nullptr) return;
    CUpti_PmSampling_Disable_Params params{};
    params.structSize = CUpti_PmSampling_Disable_Params_STRUCT_SIZE;
    params.pPmSamplingObject = sampling_;
    api_.pmDisable(&params);
}

std::optional<Shortfall> PmSampler::setUp(std::chrono::nanoseconds interval) {
    const auto refused = [this](const char* doing, CUptiResult error) {
        return shortfallOf(api_, kCollector, doing, error);
    };
    auto chip = prepareCounters(api_, kCollector, device_);
    if (auto* shortfall = std::get_if<Shortfall>(&chip)) return std::move(*shortfall);

    std::vector<std::uint8_t> availability;
    CUpti_PmSampling_GetCounterAvailability_Params available{};
    available.structSize = CUpti_PmSampling_GetCounterAvailability_Params_STRUCT_SIZE;
    available.deviceIndex = static_cast<std::size_t>(device_);
    CUptiResult error = api_.pmAvailability(&available);
    if (error != CUPTI_SUCCESS)
        return refused("say which counters may be read with cuptiPmSamplingGetCounterAvailability", error);
    availability.resize(available.counterAvailabilityImageSize);
    available.pCounterAvailabilityImage = availability.data();
    error = api_.pmAvailability(&available);
    if (error != CUPTI_SUCCESS)
        return refused("say which counters may be read with cuptiPmSamplingGetCounterAvailability", error);

    auto made = CounterConfig::makeOfWhatIsOffered(api_, kCollector, CUPTI_PROFILER_TYPE_PM_SAMPLING,
                                                   std::get<std::string>(chip).c_str(), availability,
                                                   timelineMetrics(), lacking_);
    if (auto* shortfall = std::get_if<Shortfall>(&made)) return std::move(*shortfall);
    config_ = std::move(std::get<std::unique_ptr<CounterConfig>>(made));

    CUpti_PmSampling_Enable_Params enable{};
    enable.structSize = CUpti_PmSampling_Enable_Params_STRUCT_SIZE;
    enable.deviceIndex = static_cast<std::size_t>(device_);
    error = api_.pmEnable(&enable);
    if (error != CUPTI_SUCCESS)
        return refused("sample this GPU's counters with cuptiPmSamplingEnable", error);
    sampling_ = enable.pPmSamplingObject;

    CUpti_PmSampling_SetConfig_Params set{};
    set.structSize = CUpti_PmSampling_SetConfig_Params_STRUCT_SIZE;
    set.pPmSamplingObject = sampling_;
    set.configSize = config_->image().size();
    set.pConfig = config_->image().data();
    set.hardwareBufferSize = kHardwareBytes;
    set.samplingInterval = static_cast<std::uint64_t>(interval.count());
    set.triggerMode = CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL;
    set.hwBufferAppendMode = CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_OLDEST;
    error = api_.pmSetConfig(&set);
    if (error != CUPTI_SUCCESS)
        return refused("sample in this interval with cuptiPmSamplingSetConfig", error);

    CUpti_PmSampling_GetCounterDataSize_Params size{};
    size.structSize = CUpti_PmSampling_GetCounterDataSize_Params_STRUCT_SIZE;
    size.pPmSamplingObject = sampling_;
    size.pMetricNames = config_->names();
    size.numMetrics = config_->metrics().size();
    size.maxSamples = kSamples;
    error = api_.pmDataSize(&size);
    if (error != CUPTI_SUCCESS) return refused("hold samples with cuptiPmSamplingGetCounterDataSize", error);
    image_.resize(size.counterDataSize);
    if (error = emptyImage(); error != CUPTI_SUCCESS)
        return refused("hold samples with cuptiPmSamplingCounterDataImageInitialize", error);
    return std::nullopt;
}

CUptiResult PmSampler::emptyImage() {
    CUpti_PmSampling_CounterDataImage_Initialize_Params params{};
    params.structSize = CUpti_PmSampling_CounterDataImage_Initialize_Params_STRUCT_SIZE;
    params.pPmSamplingObject = sampling_;
    params.counterDataSize = image_.size();
    params.pCounterData = image_.data();
    return api_.pmInitializeData(&params);
}

void PmSampler::beginRun(DeviceSink& sink) {
    endRun();
    CUpti_PmSampling_Start_Params params{};
    params.structSize = CUpti_PmSampling_Start_Params_STRUCT_SIZE;
    params.pPmSamplingObject = sampling_;
    if (const CUptiResult error = api_.pmStart(&params); error != CUPTI_SUCCESS) {
        sink.take(shortfallOf(api_, kCollector, "start sampling", error));
        return;
    }
    firstSample_ = true;
    overflows_ = 0;
    failed_ = CUPTI_SUCCESS;
    stopping_ = false;
    thread_ = std::thread([this, &sink] { watch(sink); });
}

void PmSampler::endRun() {
    if (!thread_.joinable()) return;
    CUpti_PmSampling_Stop_Params params{};
    params.structSize = CUpti_PmSampling_Stop_Params_STRUCT_SIZE;
    params.pPmSamplingObject = sampling_;
    api_.pmStop(&params);
    stopping_ = true;
    thread_.join();
}

void PmSampler::watch(DeviceSink& sink) {
    for (;;) {
        const bool last =
            stopping_;  // asked before decoding: then this is what lay there when it was stopped
        const Decoded decoded = decode(sink);
        if (decoded == Decoded::Failed) break;
        if (decoded == Decoded::More) continue;
        if (last) break;
        std::this_thread::sleep_for(10ms);
    }
    if (failed_ != CUPTI_SUCCESS) sink.take(shortfallOf(api_, kCollector, "read samples out", failed_));
    if (overflows_ > 0) {
        sink.take(Shortfall{kCollector,
                            "samples were lost " + std::to_string(overflows_) +
                                " times, for the device filled its buffer faster than they were read out",
                            "sample in a longer interval, or leave a core free"});
    }
}

PmSampler::Decoded PmSampler::decode(DeviceSink& sink) {
    CUpti_PmSampling_DecodeData_Params decode{};
    decode.structSize = CUpti_PmSampling_DecodeData_Params_STRUCT_SIZE;
    decode.pPmSamplingObject = sampling_;
    decode.pCounterDataImage = image_.data();
    decode.counterDataImageSize = image_.size();
    const CUptiResult decoded = api_.pmDecode(&decode);
    if (decoded == CUPTI_ERROR_OUT_OF_MEMORY || decode.overflow != 0) ++overflows_;
    if (decoded != CUPTI_SUCCESS && decoded != CUPTI_ERROR_OUT_OF_MEMORY) {
        failed_ = decoded;
        return Decoded::Failed;
    }

    CUpti_PmSampling_GetCounterDataInfo_Params info{};
    info.structSize = CUpti_PmSampling_GetCounterDataInfo_Params_STRUCT_SIZE;
    info.pCounterDataImage = image_.data();
    info.counterDataImageSize = image_.size();
    if (failed_ = api_.pmDataInfo(&info); failed_ != CUPTI_SUCCESS) return Decoded::Failed;

    DeviceBatch batch;
    batch.samples.reserve(info.numCompletedSamples * config_->metrics().size());
    for (std::size_t i = 0; i < info.numCompletedSamples; ++i) {
        CUpti_PmSampling_CounterData_GetSampleInfo_Params sample{};
        sample.structSize = CUpti_PmSampling_CounterData_GetSampleInfo_Params_STRUCT_SIZE;
        sample.pPmSamplingObject = sampling_;
        sample.pCounterDataImage = image_.data();
        sample.counterDataImageSize = image_.size();
        sample.sampleIndex = i;
        if (api_.pmSampleInfo(&sample) != CUPTI_SUCCESS) continue;
        // The first one of a session is an outlier, or has a stale time.
        if (std::exchange(firstSample_, false) || sample.endTimestamp <= sample.startTimestamp) continue;
        const std::span<const double> values = config_->evaluate(image_, i);
        for (std::size_t m = 0; m < values.size(); ++m) {
            batch.samples.push_back({device_,
                                     Nanoseconds(static_cast<Nanoseconds::rep>(sample.startTimestamp)),
                                     Nanoseconds(static_cast<Nanoseconds::rep>(sample.endTimestamp)),
                                     config_->metrics()[m].name, values[m], kSource});
        }
    }
    if (!isEmpty(batch)) sink.take(std::move(batch));
    if (info.numCompletedSamples > 0)
        if (failed_ = emptyImage(); failed_ != CUPTI_SUCCESS) return Decoded::Failed;
    const bool more = decode.decodeStopReason == CUPTI_PM_SAMPLING_DECODE_STOP_REASON_COUNTER_DATA_FULL ||
                      (decode.decodeStopReason == CUPTI_PM_SAMPLING_DECODE_STOP_REASON_OTHER &&
                       info.numCompletedSamples > 0);
    return more ? Decoded::More : Decoded::All;
}

}  // namespace fluxscope
