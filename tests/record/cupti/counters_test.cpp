#include "profiler/record/cupti/detail/attach.h"
#include "profiler/record/cupti/detail/counter_config.h"
#include "profiler/record/cupti/detail/pm_sampler.h"
#include "profiler/record/cupti/detail/range_counters.h"
#include "tests/record/cupti/fake_cupti.h"
#include "tests/sanitize/sanitized.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;
using testing::addFakeCounters;
using testing::fake;
using testing::fakeApi;
using testing::FakeCupti;
using ::testing::HasSubstr;

// CUPTI itself says so, offline, of the chip in an H200.
TEST(CounterConfig, collectsEachSetOnAHopperInOnePass) {
    if (testing::kSanitized) GTEST_SKIP() << "CUPTI loads libnvperf_host in a way that sanitizers refuse";
    for (const auto& [type, metrics] : {std::pair{CUPTI_PROFILER_TYPE_PM_SAMPLING, timelineMetrics()},
                                        std::pair{CUPTI_PROFILER_TYPE_RANGE_PROFILER, rangeMetrics()}}) {
        auto made = CounterConfig::make(testing::cuptiOfWheel(), "test", type, "GH100", {}, metrics);
        if (const auto* shortfall = std::get_if<Shortfall>(&made)) FAIL() << sentenceOf(*shortfall);
        EXPECT_EQ(std::get<std::unique_ptr<CounterConfig>>(made)->passes(), 1U);
    }
}

TEST(CounterConfig, refusesAChipThatNeedsMorePasses) {
    FakeCupti cupti;
    cupti.passes = 3;
    CuptiApi api = fakeApi(cupti);
    addFakeCounters(api);
    auto made =
        CounterConfig::make(api, "timeline", CUPTI_PROFILER_TYPE_PM_SAMPLING, "GA100", {}, timelineMetrics());
    ASSERT_TRUE(std::holds_alternative<Shortfall>(made));
    EXPECT_THAT(std::get<Shortfall>(made).why, HasSubstr("the GA100 needs 3 passes"));
}

class Kept final : public DeviceSink, public RecordSink {
public:
    void take(DeviceBatch batch) override {
        samples.insert(samples.end(), batch.samples.begin(), batch.samples.end());
        traffic.insert(traffic.end(), batch.traffic.begin(), batch.traffic.end());
    }
    void take(const TraceQuality&) override {}
    void take(const Shortfall& shortfall) override { shortfalls.push_back(shortfall); }
    void take(const ScopeRecord&) override { ++scopes; }
    void take(const LayerStepRecord&) override {}

    std::vector<SampleRecord> samples;
    std::vector<TrafficRecord> traffic;
    std::vector<Shortfall> shortfalls;
    int scopes = 0;
};

std::string textOf(const std::vector<EnvironmentFact>& facts) {
    std::string text;
    for (const EnvironmentFact& fact : facts)
        text += fact.name + " = " + fact.value + " by " + fact.source + "\n";
    return text;
}

// A capture says which CUPTI its times are from, and one without a trace which CUPTI refused.
TEST(CuptiSession, tellsTheLibrarysVersionWhetherOrNotItTraces) {
    const std::string expected = "cupti.version = 130001 by cupti\n";
    {
        FakeCupti cupti;
        const CuptiSession session = attachTo(fakeApi(cupti), {});
        EXPECT_TRUE(session.tracer != nullptr);
        EXPECT_EQ(textOf(session.environment), expected);
    }
    FakeCupti cupti;
    cupti.errors["subscribe"] = CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED;
    const CuptiSession session = attachTo(fakeApi(cupti), {});
    EXPECT_TRUE(session.tracer == nullptr);
    EXPECT_EQ(session.shortfalls.size(), 1U);
    EXPECT_EQ(textOf(session.environment), expected);

    Kept kept;
    const OpenedCounters counters = openCountersOf(fakeApi(cupti), monotonicNow, kept, kept, {});
    EXPECT_TRUE(counters.shortfall) << "this library has no counters";
    EXPECT_EQ(textOf(counters.environment), expected);
}

// Two images of three samples, an overflow in the second, then nothing.
CuptiApi samplingApi(FakeCupti& cupti) {
    CuptiApi api = fakeApi(cupti);
    addFakeCounters(api);
    static int decoded;
    decoded = 0;
    api.pmAvailability = [](CUpti_PmSampling_GetCounterAvailability_Params* params) {
        params->counterAvailabilityImageSize = 8;
        return fake()->of("pmAvailability");
    };
    api.pmEnable = [](CUpti_PmSampling_Enable_Params* params) {
        static int object;
        params->pPmSamplingObject = reinterpret_cast<CUpti_PmSampling_Object*>(&object);
        return fake()->of("pmEnable");
    };
    api.pmDisable = [](CUpti_PmSampling_Disable_Params*) { return CUPTI_SUCCESS; };
    api.pmSetConfig = [](CUpti_PmSampling_SetConfig_Params* params) {
        EXPECT_GE(params->samplingInterval, 50'000U);
        return fake()->of("pmSetConfig");
    };
    api.pmDataSize = [](CUpti_PmSampling_GetCounterDataSize_Params* params) {
        params->counterDataSize = 64;
        return CUPTI_SUCCESS;
    };
    api.pmInitializeData = [](CUpti_PmSampling_CounterDataImage_Initialize_Params*) { return CUPTI_SUCCESS; };
    api.pmStart = [](CUpti_PmSampling_Start_Params*) { return fake()->of("pmStart"); };
    api.pmStop = [](CUpti_PmSampling_Stop_Params*) { return CUPTI_SUCCESS; };
    api.pmDecode = [](CUpti_PmSampling_DecodeData_Params* params) {
        ++decoded;
        params->overflow = decoded == 2 ? 1 : 0;
        params->decodeStopReason = decoded < 2 ? CUPTI_PM_SAMPLING_DECODE_STOP_REASON_COUNTER_DATA_FULL
                                               : CUPTI_PM_SAMPLING_DECODE_STOP_REASON_END_OF_RECORDS;
        return fake()->of("pmDecode");
    };
    api.pmDataInfo = [](CUpti_PmSampling_GetCounterDataInfo_Params* params) {
        params->numCompletedSamples = decoded <= 2 ? 3 : 0;
        return CUPTI_SUCCESS;
    };
    api.pmSampleInfo = [](CUpti_PmSampling_CounterData_GetSampleInfo_Params* params) {
        params->startTimestamp = 1000 * static_cast<std::uint64_t>(decoded) + 10 * params->sampleIndex;
        params->endTimestamp = params->startTimestamp + 10;
        return CUPTI_SUCCESS;
    };
    return api;
}

TEST(PmSampler, handsOnEverySampleButTheFirstAndSaysWhatWasLost) {
    FakeCupti cupti;
    Kept kept;
    auto opened = PmSampler::open(samplingApi(cupti), 0, 10us);
    ASSERT_TRUE(std::holds_alternative<std::unique_ptr<PmSampler>>(opened));
    auto& sampler = *std::get<std::unique_ptr<PmSampler>>(opened);
    sampler.beginRun(kept);
    std::this_thread::sleep_for(50ms);
    sampler.endRun();
    ASSERT_EQ(kept.samples.size(), 5 * timelineMetrics().size());
    EXPECT_EQ(kept.samples[0].metric, "dram_read_bytes");
    EXPECT_EQ(kept.samples[0].begin, Nanoseconds(1010));
    EXPECT_EQ(kept.samples[0].value, 100);  // of sample 1
    EXPECT_EQ(kept.samples[0].source, "hw_pm");
    ASSERT_EQ(kept.shortfalls.size(), 1U);
    EXPECT_THAT(kept.shortfalls[0].why, HasSubstr("samples were lost 1 times"));
}

TEST(PmSampler, samplesWhatTheGpuOffersAndSaysWhatItDoesNot) {
    FakeCupti cupti;
    cupti.notOffered = {"pcie__read_bytes.sum", "nvltx__bytes.sum"};
    Kept kept;
    auto opened = PmSampler::open(samplingApi(cupti), 0, 100us);
    if (const auto* shortfall = std::get_if<Shortfall>(&opened)) FAIL() << sentenceOf(*shortfall);
    auto& sampler = *std::get<std::unique_ptr<PmSampler>>(opened);
    ASSERT_TRUE(sampler.lacking());
    EXPECT_THAT(
        sampler.lacking()->why,
        HasSubstr("without pcie_read_bytes, nvlink_sent_bytes: CUPTI does not offer them on this GPU"));
    EXPECT_TRUE(sampler.lacking()->isPartial);
    EXPECT_THAT(sampler.lacking()->why, HasSubstr("cuptiProfilerHostConfigAddMetrics"));
    sampler.beginRun(kept);
    std::this_thread::sleep_for(50ms);
    sampler.endRun();
    const std::size_t offered = timelineMetrics().size() - 2;
    ASSERT_EQ(kept.samples.size(), 5 * offered);
    std::set<std::string_view> names;
    for (const SampleRecord& sample : kept.samples) names.insert(sample.metric);
    EXPECT_EQ(names.size(), offered);
    EXPECT_FALSE(names.contains("pcie_read_bytes"));
    EXPECT_TRUE(names.contains("pcie_write_bytes"));
    EXPECT_FALSE(names.contains("nvlink_sent_bytes"));
    EXPECT_EQ(kept.samples[offered - 1].metric, "dram_clock_hz");
    EXPECT_EQ(kept.samples[offered - 1].value, static_cast<double>(100 + offered - 1));
}

TEST(PmSampler, doesWithoutAnAvailabilityImageThatRulesOutEverything) {
    FakeCupti cupti;
    cupti.imageRulesOutEverything = true;
    auto opened = PmSampler::open(samplingApi(cupti), 0, 100us);
    if (const auto* shortfall = std::get_if<Shortfall>(&opened)) FAIL() << sentenceOf(*shortfall);
    EXPECT_FALSE(std::get<std::unique_ptr<PmSampler>>(opened)->lacking());
    EXPECT_FALSE(cupti.imageGiven);
}

TEST(PmSampler, namesTheCallAndTheMetricWhenNothingIsOffered) {
    FakeCupti cupti;
    cupti.errors["hostAddMetrics"] = CUPTI_ERROR_UNKNOWN;
    auto opened = PmSampler::open(samplingApi(cupti), 0, 100us);
    ASSERT_TRUE(std::holds_alternative<Shortfall>(opened));
    EXPECT_THAT(
        std::get<Shortfall>(opened).why,
        HasSubstr("choose dram__bytes_read.sum with cuptiProfilerHostConfigAddMetrics (CUPTI_ERROR, 999)"));
}

struct Scripted {
    const char* function;
    CUptiResult error;
    const char* remedy;
};
class RefusedSampling : public ::testing::TestWithParam<Scripted> {};

TEST_P(RefusedSampling, saysWhyAndWhatToDo) {
    FakeCupti cupti;
    cupti.errors[GetParam().function] = GetParam().error;
    auto opened = PmSampler::open(samplingApi(cupti), 0, 100us);
    ASSERT_TRUE(std::holds_alternative<Shortfall>(opened));
    EXPECT_EQ(std::get<Shortfall>(opened).collector, "timeline");
    EXPECT_THAT(std::get<Shortfall>(opened).why, HasSubstr(std::to_string(GetParam().error)));
    EXPECT_THAT(std::get<Shortfall>(opened).remedy, HasSubstr(GetParam().remedy));
}

INSTANTIATE_TEST_SUITE_P(
    Errors, RefusedSampling,
    ::testing::Values(Scripted{"pmEnable", CUPTI_ERROR_INSUFFICIENT_PRIVILEGES,
                               "NVreg_RestrictProfilingToAdminUsers=0"},
                      Scripted{"pmEnable", CUPTI_ERROR_HARDWARE_BUSY, "dcgmi profile --pause"},
                      Scripted{"pmSetConfig", CUPTI_ERROR_OUT_OF_MEMORY, "free device memory"},
                      Scripted{"hostInitialize", CUPTI_ERROR_NOT_INITIALIZED, "libnvperf_host.so"},
                      Scripted{"hostInitialize", CUPTI_ERROR_INVALID_CHIP_NAME, "newer nvidia-cuda-cupti"},
                      Scripted{"chipName", CUPTI_ERROR_UNKNOWN, "doctor"},
                      Scripted{"pmAvailability", CUPTI_ERROR_MIG_DEVICE_NOT_SUPPORTED, "whole GPU"}));

TEST(PmSampler, saysDuringTheRunThatReadingOutFailed) {
    FakeCupti cupti;
    Kept kept;
    auto opened = PmSampler::open(samplingApi(cupti), 0, 100us);
    auto& sampler = *std::get<std::unique_ptr<PmSampler>>(opened);
    cupti.errors["pmDecode"] = CUPTI_ERROR_UNKNOWN;
    sampler.beginRun(kept);
    sampler.endRun();
    ASSERT_EQ(kept.shortfalls.size(), 1U);
    EXPECT_THAT(kept.shortfalls[0].why, HasSubstr("999"));
}

// The range profiler as a list of names.
std::vector<std::string>& ranges() {
    static std::vector<std::string> names;
    return names;
}

CuptiApi rangeApi(FakeCupti& cupti) {
    CuptiApi api = fakeApi(cupti);
    addFakeCounters(api);
    ranges().clear();
    api.rangeEnable = [](CUpti_RangeProfiler_Enable_Params* params) {
        static int object;
        params->pRangeProfilerObject = reinterpret_cast<CUpti_RangeProfiler_Object*>(&object);
        return fake()->of("rangeEnable");
    };
    api.rangeDisable = [](CUpti_RangeProfiler_Disable_Params*) { return CUPTI_SUCCESS; };
    api.rangeDataSize = [](CUpti_RangeProfiler_GetCounterDataSize_Params* params) {
        params->counterDataSize = 64;
        return CUPTI_SUCCESS;
    };
    api.rangeInitializeData = [](CUpti_RangeProfiler_CounterDataImage_Initialize_Params*) {
        ranges().clear();
        return CUPTI_SUCCESS;
    };
    api.rangeSetConfig = [](CUpti_RangeProfiler_SetConfig_Params*) { return CUPTI_SUCCESS; };
    api.rangeStart = [](CUpti_RangeProfiler_Start_Params*) { return fake()->of("rangeStart"); };
    api.rangeStop = [](CUpti_RangeProfiler_Stop_Params*) { return CUPTI_SUCCESS; };
    api.rangePush = [](CUpti_RangeProfiler_PushRange_Params* params) {
        ranges().emplace_back(params->pRangeName);
        return fake()->of("rangePush");
    };
    api.rangePop = [](CUpti_RangeProfiler_PopRange_Params*) { return CUPTI_SUCCESS; };
    api.rangeDecode = [](CUpti_RangeProfiler_DecodeData_Params*) { return fake()->of("rangeDecode"); };
    api.rangeDataInfo = [](CUpti_RangeProfiler_GetCounterDataInfo_Params* params) {
        params->numTotalRanges = ranges().size();
        return CUPTI_SUCCESS;
    };
    api.rangeInfo = [](CUpti_RangeProfiler_CounterData_GetRangeInfo_Params* params) {
        params->rangeName = ranges()[params->rangeIndex].c_str();
        return CUPTI_SUCCESS;
    };
    return api;
}

void scope(Collector& collector, const ScopeKey& key, const std::function<void()>& within = [] {}) {
    collector.scopeOpened(key);
    within();
    collector.scopeClosed(key, std::nullopt);
}

TEST(RangeCounters, measureEachLayerOnceAndReadOutWhenTheRangesAreUsedUp) {
    FakeCupti cupti;
    Kept kept;
    auto opened = RangeCounters::open(rangeApi(cupti), 0, 2, monotonicNow, kept, kept);
    ASSERT_TRUE(std::holds_alternative<std::unique_ptr<RangeCounters>>(opened));
    auto& counters = *std::get<std::unique_ptr<RangeCounters>>(opened);
    EXPECT_TRUE(counters.needs().eager);
    RunFacts run;
    run.device = "cuda:0";
    run.model.layers = 3;
    counters.runBegan(run);
    const ScopeKey step{.phase = Phase::Decode, .step = StepIndex(1)};
    scope(counters, step, [&] {
        for (int l = 0; l < 3; ++l) {
            ScopeKey layer = step;
            layer.layer = LayerIndex(l);
            scope(counters, layer, [&] {
                ScopeKey op = layer;
                op.op = Op::Mlp;  // inside its layer's range
                scope(counters, op);
            });
        }
        ScopeKey head = step;
        head.op = Op::Head;
        scope(counters, head);
    });
    counters.runEnded();
    ASSERT_TRUE(kept.shortfalls.empty()) << sentenceOf(kept.shortfalls[0]);
    ASSERT_EQ(kept.traffic.size(), 4 * rangeMetrics().size());
    const auto at = [&](std::size_t range) { return kept.traffic[range * rangeMetrics().size()]; };
    EXPECT_EQ(at(0).scope.layer, LayerIndex(0));
    EXPECT_EQ(at(0).metric, "dram_read_bytes");
    EXPECT_EQ(at(0).value, 0);
    EXPECT_EQ(at(1).scope.layer, LayerIndex(1));
    EXPECT_EQ(at(1).value, 100);
    EXPECT_EQ(at(2).scope.layer, LayerIndex(2));  // of the second pass
    EXPECT_EQ(at(2).value, 0);
    EXPECT_EQ(at(2).pass, 1);
    EXPECT_EQ(at(3).scope.op, Op::Head);
    EXPECT_EQ(kept.scopes, 8);
}

TEST(RangeCounters, letTheRunGoOnWhenCuptiRefuses) {
    FakeCupti cupti;
    Kept kept;
    auto opened = RangeCounters::open(rangeApi(cupti), 0, 2, monotonicNow, kept, kept);
    auto& counters = *std::get<std::unique_ptr<RangeCounters>>(opened);
    cupti.errors["rangePush"] = CUPTI_ERROR_INVALID_OPERATION;
    RunFacts run;
    run.device = "cuda:0";
    counters.runBegan(run);
    scope(counters, {.layer = LayerIndex(0)});
    scope(counters, {.layer = LayerIndex(1)});
    counters.runEnded();
    EXPECT_TRUE(kept.traffic.empty());
    EXPECT_EQ(kept.shortfalls.size(), 1U);
    EXPECT_EQ(kept.scopes, 2);
}

}  // namespace
}  // namespace fluxscope
