#include "profiler/record/cupti/detail/range_counters.h"

#include <charconv>
#include <string>
#include <utility>

namespace fluxscope {
namespace {

constexpr const char* kCollector = "counters";
constexpr std::string_view kSource = "hw_range";

template <class Params>
Params paramsOf(std::size_t size, CUpti_RangeProfiler_Object* profiler) {
    Params params{};
    params.structSize = size;
    params.pRangeProfilerObject = profiler;
    return params;
}

}  // namespace

RangeCounters::RangeCounters(const CuptiApi& api, std::size_t ranges, Clock clock, RecordSink& records,
                             DeviceSink& sink)
    : api_(api), most_(ranges), sink_(sink), timer_(std::move(clock), records) {}

RangeCounters::Opened RangeCounters::open(const CuptiApi& api, std::int32_t device, std::size_t ranges,
                                          Clock clock, RecordSink& records, DeviceSink& sink) {
    if (const char* symbol = missingForRanges(api)) return shortfallOfSymbol(kCollector, symbol, api.version);
    std::unique_ptr<RangeCounters> counters(new RangeCounters(api, ranges, std::move(clock), records, sink));
    if (auto shortfall = counters->setUp(device)) return *std::move(shortfall);
    return counters;
}

RangeCounters::~RangeCounters() {
    if (profiler_ == nullptr) return;
    auto params = paramsOf<CUpti_RangeProfiler_Disable_Params>(CUpti_RangeProfiler_Disable_Params_STRUCT_SIZE,
                                                               profiler_);
    api_.rangeDisable(&params);
}

std::optional<Shortfall> RangeCounters::setUp(std::int32_t device) {
    auto chip = prepareCounters(api_, kCollector, device);
    if (auto* shortfall = std::get_if<Shortfall>(&chip)) return std::move(*shortfall);
    auto made = CounterConfig::make(api_, kCollector, CUPTI_PROFILER_TYPE_RANGE_PROFILER,
                                    std::get<std::string>(chip).c_str(), {}, rangeMetrics());
    if (auto* shortfall = std::get_if<Shortfall>(&made)) return std::move(*shortfall);
    config_ = std::move(std::get<std::unique_ptr<CounterConfig>>(made));

    CUcontext context = nullptr;  // LibTorch's: the primary one
    if (api_.cuda.retainContext(&context, device) != CUDA_SUCCESS)
        return Shortfall{kCollector, "the GPU's context cannot be had", "free device memory and try again"};
    CUpti_RangeProfiler_Enable_Params enable{};
    enable.structSize = CUpti_RangeProfiler_Enable_Params_STRUCT_SIZE;
    enable.ctx = context;
    CUptiResult error = api_.rangeEnable(&enable);
    if (error != CUPTI_SUCCESS) return shortfallOf(api_, kCollector, "count within ranges", error);
    profiler_ = enable.pRangeProfilerObject;

    auto size = paramsOf<CUpti_RangeProfiler_GetCounterDataSize_Params>(
        CUpti_RangeProfiler_GetCounterDataSize_Params_STRUCT_SIZE, profiler_);
    size.pMetricNames = config_->names();
    size.numMetrics = config_->metrics().size();
    size.maxNumOfRanges = most_;
    size.maxNumRangeTreeNodes = static_cast<std::uint32_t>(most_);
    error = api_.rangeDataSize(&size);
    if (error != CUPTI_SUCCESS) return shortfallOf(api_, kCollector, "hold counters", error);
    image_.resize(size.counterDataSize);
    return std::nullopt;
}

CUptiResult RangeCounters::startPass() {
    auto init = paramsOf<CUpti_RangeProfiler_CounterDataImage_Initialize_Params>(
        CUpti_RangeProfiler_CounterDataImage_Initialize_Params_STRUCT_SIZE, profiler_);
    init.counterDataSize = image_.size();
    init.pCounterData = image_.data();
    if (const CUptiResult error = api_.rangeInitializeData(&init); error != CUPTI_SUCCESS) return error;

    auto set = paramsOf<CUpti_RangeProfiler_SetConfig_Params>(
        CUpti_RangeProfiler_SetConfig_Params_STRUCT_SIZE, profiler_);
    set.configSize = config_->image().size();
    set.pConfig = config_->image().data();
    set.counterDataImageSize = image_.size();
    set.pCounterDataImage = image_.data();
    set.range = CUPTI_UserRange;
    set.replayMode = CUPTI_UserReplay;
    set.maxRangesPerPass = most_;
    set.numNestingLevels = 1;
    set.minNestingLevel = 1;
    set.passIndex = 0;
    set.targetNestingLevel = 0;
    if (const CUptiResult error = api_.rangeSetConfig(&set); error != CUPTI_SUCCESS) return error;

    auto start =
        paramsOf<CUpti_RangeProfiler_Start_Params>(CUpti_RangeProfiler_Start_Params_STRUCT_SIZE, profiler_);
    return api_.rangeStart(&start);
}

void RangeCounters::runBegan(const RunFacts& run) {
    timer_.runBegan(run);
    pass_ = 0;
    ranges_.clear();
    open_.reset();
    counting_ = run.device != "cpu";
    if (!counting_) return;
    if (const CUptiResult error = startPass(); error != CUPTI_SUCCESS) giveUp("start counting", error);
}

void RangeCounters::scopeOpened(const ScopeKey& key) {
    timer_.scopeOpened(key);
    if (!counting_ || open_ || (!key.layer && !key.op)) return;
    const std::string name = std::to_string(ranges_.size());
    auto push = paramsOf<CUpti_RangeProfiler_PushRange_Params>(
        CUpti_RangeProfiler_PushRange_Params_STRUCT_SIZE, profiler_);
    push.pRangeName = name.c_str();
    if (const CUptiResult error = api_.rangePush(&push); error != CUPTI_SUCCESS) {
        giveUp("open a range", error);
        return;
    }
    open_ = key;
    ranges_.push_back(key);
}

void RangeCounters::scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) {
    if (counting_ && open_ == key) {
        open_.reset();
        auto pop = paramsOf<CUpti_RangeProfiler_PopRange_Params>(
            CUpti_RangeProfiler_PopRange_Params_STRUCT_SIZE, profiler_);
        if (const CUptiResult error = api_.rangePop(&pop); error != CUPTI_SUCCESS)
            giveUp("close a range", error);
        else if (ranges_.size() == most_)
            readOut();
    }
    timer_.scopeClosed(key, shape);
}

void RangeCounters::runEnded() {
    if (counting_) readOut();
    if (counting_) {
        // readOut has begun another pass, which nothing will be counted in.
        auto stop =
            paramsOf<CUpti_RangeProfiler_Stop_Params>(CUpti_RangeProfiler_Stop_Params_STRUCT_SIZE, profiler_);
        api_.rangeStop(&stop);
    }
    counting_ = false;
    timer_.runEnded();
}

void RangeCounters::readOut() {
    // What is in its ranges may still be running.
    if (api_.cuda.synchronize != nullptr) api_.cuda.synchronize();
    auto stop =
        paramsOf<CUpti_RangeProfiler_Stop_Params>(CUpti_RangeProfiler_Stop_Params_STRUCT_SIZE, profiler_);
    if (const CUptiResult error = api_.rangeStop(&stop); error != CUPTI_SUCCESS)
        return giveUp("stop counting", error);
    auto decode = paramsOf<CUpti_RangeProfiler_DecodeData_Params>(
        CUpti_RangeProfiler_DecodeData_Params_STRUCT_SIZE, profiler_);
    if (const CUptiResult error = api_.rangeDecode(&decode); error != CUPTI_SUCCESS)
        return giveUp("read counters out", error);
    if (decode.numOfRangeDropped > 0) {
        sink_.take(Shortfall{kCollector, std::to_string(decode.numOfRangeDropped) + " ranges were lost",
                             "see docs/collectors.md"});
    }

    CUpti_RangeProfiler_GetCounterDataInfo_Params info{};
    info.structSize = CUpti_RangeProfiler_GetCounterDataInfo_Params_STRUCT_SIZE;
    info.pCounterDataImage = image_.data();
    info.counterDataImageSize = image_.size();
    if (const CUptiResult error = api_.rangeDataInfo(&info); error != CUPTI_SUCCESS)
        return giveUp("read counters out", error);

    DeviceBatch batch;
    for (std::size_t i = 0; i < info.numTotalRanges; ++i) {
        CUpti_RangeProfiler_CounterData_GetRangeInfo_Params range{};
        range.structSize = CUpti_RangeProfiler_CounterData_GetRangeInfo_Params_STRUCT_SIZE;
        range.pCounterDataImage = image_.data();
        range.counterDataImageSize = image_.size();
        range.rangeIndex = i;
        range.rangeDelimiter = "/";
        if (api_.rangeInfo(&range) != CUPTI_SUCCESS || range.rangeName == nullptr) continue;
        const std::string_view name(range.rangeName);
        std::size_t number = ranges_.size();
        std::from_chars(name.data(), name.data() + name.size(), number);
        if (number >= ranges_.size()) continue;
        const std::span<const double> values = config_->evaluate(image_, i);
        for (std::size_t m = 0; m < values.size(); ++m) {
            batch.traffic.push_back({.scope = ranges_[number],
                                     .metric = config_->metrics()[m].name,
                                     .value = values[m],
                                     .source = kSource,
                                     .pass = pass_,
                                     .confidence = Confidence::High,
                                     .samples = 1});
        }
    }
    if (!isEmpty(batch)) sink_.take(std::move(batch));
    ranges_.clear();
    ++pass_;
    if (const CUptiResult error = startPass(); error != CUPTI_SUCCESS) giveUp("go on counting", error);
}

void RangeCounters::giveUp(const char* doing, CUptiResult error) {
    counting_ = false;
    open_.reset();
    sink_.take(shortfallOf(api_, kCollector, doing, error));
}

}  // namespace fluxscope
