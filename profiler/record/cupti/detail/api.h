// Every function of libcuda and libcupti that is called, as a table: filled from the libraries that the process has, or by a
// test that wants to see what becomes of each error. A null is a function that this library does not have.
#pragma once

#include "profiler/record/device_sink.h"

#include <cupti.h>
#include <cupti_pmsampling.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_target.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

namespace fluxscope {

struct CudaDriver {
    decltype(&::cuInit) init = nullptr;
    decltype(&::cuDeviceGetCount) deviceCount = nullptr;
    decltype(&::cuDevicePrimaryCtxRetain) retainContext = nullptr;
    decltype(&::cuCtxSynchronize) synchronize = nullptr;
};

struct CuptiApi {
    CudaDriver cuda;
    std::uint32_t version = 0;
    std::filesystem::path library;  // where libcupti lies

    decltype(&cuptiGetResultString) resultString = nullptr;
    decltype(&cuptiGetCallbackName) callbackName = nullptr;

    // Tracing.
    decltype(&cuptiSubscribe_v2) subscribe = nullptr;
    decltype(&cuptiEnableCallback) enableCallback = nullptr;
    decltype(&cuptiSetThreadIdType) setThreadIdType = nullptr;
    decltype(&cuptiActivityRegisterTimestampCallback) registerTimestamp = nullptr;
    decltype(&cuptiActivitySetAttribute) setAttribute = nullptr;
    decltype(&cuptiActivityRegisterCallbacks) registerBuffers = nullptr;
    decltype(&cuptiActivityEnable) enable = nullptr;
    decltype(&cuptiActivityEnableRuntimeApi) enableRuntime = nullptr;
    decltype(&cuptiActivityEnableDriverApi) enableDriver = nullptr;
    decltype(&cuptiActivityEnableAllSyncRecords) enableAllSyncs = nullptr;
    decltype(&cuptiActivityPushExternalCorrelationId) pushExternal = nullptr;
    decltype(&cuptiActivityPopExternalCorrelationId) popExternal = nullptr;
    decltype(&cuptiActivityFlushAll) flush = nullptr;
    decltype(&cuptiActivityGetNextRecord) nextRecord = nullptr;
    decltype(&cuptiActivityGetNumDroppedRecords) droppedRecords = nullptr;
    decltype(&cuptiGetGraphNodeId) graphNodeId = nullptr;
    decltype(&cuptiGetGraphId) graphId = nullptr;
    decltype(&cuptiGetGraphExecId) graphExecId = nullptr;

    // Counters of both kinds.
    decltype(&cuptiProfilerInitialize) profilerInitialize = nullptr;
    decltype(&cuptiDeviceGetChipName) chipName = nullptr;
    decltype(&cuptiProfilerHostInitialize) hostInitialize = nullptr;
    decltype(&cuptiProfilerHostDeinitialize) hostDeinitialize = nullptr;
    decltype(&cuptiProfilerHostConfigAddMetrics) hostAddMetrics = nullptr;
    decltype(&cuptiProfilerHostGetConfigImageSize) hostConfigSize = nullptr;
    decltype(&cuptiProfilerHostGetConfigImage) hostConfig = nullptr;
    decltype(&cuptiProfilerHostGetNumOfPasses) hostPasses = nullptr;
    decltype(&cuptiProfilerHostEvaluateToGpuValues) hostEvaluate = nullptr;

    // Sampling.
    decltype(&cuptiPmSamplingGetCounterAvailability) pmAvailability = nullptr;
    decltype(&cuptiPmSamplingEnable) pmEnable = nullptr;
    decltype(&cuptiPmSamplingDisable) pmDisable = nullptr;
    decltype(&cuptiPmSamplingSetConfig) pmSetConfig = nullptr;
    decltype(&cuptiPmSamplingGetCounterDataSize) pmDataSize = nullptr;
    decltype(&cuptiPmSamplingCounterDataImageInitialize) pmInitializeData = nullptr;
    decltype(&cuptiPmSamplingStart) pmStart = nullptr;
    decltype(&cuptiPmSamplingStop) pmStop = nullptr;
    decltype(&cuptiPmSamplingDecodeData) pmDecode = nullptr;
    decltype(&cuptiPmSamplingGetCounterDataInfo) pmDataInfo = nullptr;
    decltype(&cuptiPmSamplingCounterDataGetSampleInfo) pmSampleInfo = nullptr;

    // Ranges.
    decltype(&cuptiRangeProfilerEnable) rangeEnable = nullptr;
    decltype(&cuptiRangeProfilerDisable) rangeDisable = nullptr;
    decltype(&cuptiRangeProfilerGetCounterDataSize) rangeDataSize = nullptr;
    decltype(&cuptiRangeProfilerCounterDataImageInitialize) rangeInitializeData = nullptr;
    decltype(&cuptiRangeProfilerSetConfig) rangeSetConfig = nullptr;
    decltype(&cuptiRangeProfilerStart) rangeStart = nullptr;
    decltype(&cuptiRangeProfilerStop) rangeStop = nullptr;
    decltype(&cuptiRangeProfilerPushRange) rangePush = nullptr;
    decltype(&cuptiRangeProfilerPopRange) rangePop = nullptr;
    decltype(&cuptiRangeProfilerDecodeData) rangeDecode = nullptr;
    decltype(&cuptiRangeProfilerGetCounterDataInfo) rangeDataInfo = nullptr;
    decltype(&cuptiRangeProfilerCounterDataGetRangeInfo) rangeInfo = nullptr;
};

// A reason without the collector's name: loading serves several.
struct CuptiMissing {
    std::string why;
    std::string remedy;
};

// A driver with a device first: without one, two of CUPTI's calls crash. Then the copy of libcupti that the process has mapped
// (LibTorch's): a second one would fight it for the driver. `fallback` is opened when there is none.
std::variant<CuptiApi, CuptiMissing> loadCupti(const std::filesystem::path& fallback = "libcupti.so.13");

// For walking recorded buffers, which needs neither driver nor device.
std::optional<CuptiApi> loadCuptiWithoutDevice(const std::filesystem::path& library);

// Null when every function that tracing, sampling or ranges cannot do without is there, else the name of one that is not.
const char* missingForTracing(const CuptiApi& api);
const char* missingForCounters(const CuptiApi& api);
const char* missingForSampling(const CuptiApi& api);
const char* missingForRanges(const CuptiApi& api);

}  // namespace fluxscope
