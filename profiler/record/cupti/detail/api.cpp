#include "profiler/record/cupti/detail/api.h"

#include <dlfcn.h>

#include <initializer_list>
#include <utility>

namespace fluxscope {
namespace {

constexpr std::uint32_t kLeastVersion = 130001;  // CUDA 13.0 Update 1: earlier ones lose records and deadlock

template <class Function>
void find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
}

// Never closed: the driver and CUPTI keep threads, and closing libcupti crashes up to 13.2.
std::optional<CuptiMissing> loadDriver(CudaDriver& cuda) {
    void* library = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        return CuptiMissing{"there is no NVIDIA driver (libcuda.so.1 cannot be loaded)",
                            "install NVIDIA's driver 580 or newer"};
    }
    find(library, "cuInit", cuda.init);
    find(library, "cuDeviceGetCount", cuda.deviceCount);
    find(library, "cuDevicePrimaryCtxRetain", cuda.retainContext);
    find(library, "cuCtxSynchronize", cuda.synchronize);
    int devices = 0;
    if (cuda.init == nullptr || cuda.deviceCount == nullptr || cuda.init(0) != CUDA_SUCCESS ||
        cuda.deviceCount(&devices) != CUDA_SUCCESS || devices == 0) {
        return CuptiMissing{"the NVIDIA driver finds no GPU",
                            "attach one, or look into CUDA_VISIBLE_DEVICES and the container's settings"};
    }
    return std::nullopt;
}

void* libraryOfProcess(const std::filesystem::path& fallback) {
    if (::dlsym(RTLD_DEFAULT, "cuptiSubscribe_v2") != nullptr) return RTLD_DEFAULT;
    if (void* mapped = ::dlopen("libcupti.so.13", RTLD_NOW | RTLD_NOLOAD)) return mapped;
    return ::dlopen(fallback.c_str(), RTLD_NOW | RTLD_LOCAL);
}

// CUPTI opens libnvperf by its bare name, which finds nothing beside a wheel: it is opened here, from the folder of libcupti.
void openNvperfBeside(CuptiApi& api, void* symbol) {
    Dl_info info{};
    if (symbol == nullptr || ::dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return;
    api.library = info.dli_fname;
    for (const char* name : {"libnvperf_host.so", "libnvperf_target.so"}) {
        const std::filesystem::path beside = api.library.parent_path() / name;
        ::dlopen(beside.c_str(), RTLD_NOW | RTLD_GLOBAL);
    }
}

void fill(CuptiApi& api, void* library) {
    find(library, "cuptiGetResultString", api.resultString);
    find(library, "cuptiGetCallbackName", api.callbackName);

    find(library, "cuptiSubscribe_v2", api.subscribe);
    find(library, "cuptiEnableCallback", api.enableCallback);
    find(library, "cuptiSetThreadIdType", api.setThreadIdType);
    find(library, "cuptiActivityRegisterTimestampCallback", api.registerTimestamp);
    find(library, "cuptiActivitySetAttribute", api.setAttribute);
    find(library, "cuptiActivityRegisterCallbacks", api.registerBuffers);
    find(library, "cuptiActivityEnable", api.enable);
    find(library, "cuptiActivityEnableRuntimeApi", api.enableRuntime);
    find(library, "cuptiActivityEnableDriverApi", api.enableDriver);
    find(library, "cuptiActivityEnableAllSyncRecords", api.enableAllSyncs);
    find(library, "cuptiActivityPushExternalCorrelationId", api.pushExternal);
    find(library, "cuptiActivityPopExternalCorrelationId", api.popExternal);
    find(library, "cuptiActivityFlushAll", api.flush);
    find(library, "cuptiActivityGetNextRecord", api.nextRecord);
    find(library, "cuptiActivityGetNumDroppedRecords", api.droppedRecords);
    find(library, "cuptiGetGraphNodeId", api.graphNodeId);
    find(library, "cuptiGetGraphId", api.graphId);
    find(library, "cuptiGetGraphExecId", api.graphExecId);

    find(library, "cuptiProfilerInitialize", api.profilerInitialize);
    find(library, "cuptiDeviceGetChipName", api.chipName);
    find(library, "cuptiProfilerHostInitialize", api.hostInitialize);
    find(library, "cuptiProfilerHostDeinitialize", api.hostDeinitialize);
    find(library, "cuptiProfilerHostConfigAddMetrics", api.hostAddMetrics);
    find(library, "cuptiProfilerHostGetConfigImageSize", api.hostConfigSize);
    find(library, "cuptiProfilerHostGetConfigImage", api.hostConfig);
    find(library, "cuptiProfilerHostGetNumOfPasses", api.hostPasses);
    find(library, "cuptiProfilerHostEvaluateToGpuValues", api.hostEvaluate);

    find(library, "cuptiPmSamplingGetCounterAvailability", api.pmAvailability);
    find(library, "cuptiPmSamplingEnable", api.pmEnable);
    find(library, "cuptiPmSamplingDisable", api.pmDisable);
    find(library, "cuptiPmSamplingSetConfig", api.pmSetConfig);
    find(library, "cuptiPmSamplingGetCounterDataSize", api.pmDataSize);
    find(library, "cuptiPmSamplingCounterDataImageInitialize", api.pmInitializeData);
    find(library, "cuptiPmSamplingStart", api.pmStart);
    find(library, "cuptiPmSamplingStop", api.pmStop);
    find(library, "cuptiPmSamplingDecodeData", api.pmDecode);
    find(library, "cuptiPmSamplingGetCounterDataInfo", api.pmDataInfo);
    find(library, "cuptiPmSamplingCounterDataGetSampleInfo", api.pmSampleInfo);

    find(library, "cuptiRangeProfilerEnable", api.rangeEnable);
    find(library, "cuptiRangeProfilerDisable", api.rangeDisable);
    find(library, "cuptiRangeProfilerGetCounterDataSize", api.rangeDataSize);
    find(library, "cuptiRangeProfilerCounterDataImageInitialize", api.rangeInitializeData);
    find(library, "cuptiRangeProfilerSetConfig", api.rangeSetConfig);
    find(library, "cuptiRangeProfilerStart", api.rangeStart);
    find(library, "cuptiRangeProfilerStop", api.rangeStop);
    find(library, "cuptiRangeProfilerPushRange", api.rangePush);
    find(library, "cuptiRangeProfilerPopRange", api.rangePop);
    find(library, "cuptiRangeProfilerDecodeData", api.rangeDecode);
    find(library, "cuptiRangeProfilerGetCounterDataInfo", api.rangeDataInfo);
    find(library, "cuptiRangeProfilerCounterDataGetRangeInfo", api.rangeInfo);
}

struct Needed {
    const char* name;
    bool there;
};

const char* firstMissing(std::initializer_list<Needed> all) {
    for (const Needed& one : all)
        if (!one.there) return one.name;
    return nullptr;
}

}  // namespace

std::variant<CuptiApi, CuptiMissing> loadCupti(const std::filesystem::path& fallback) {
    CuptiApi api;
    if (auto missing = loadDriver(api.cuda)) return *std::move(missing);
    void* const library = libraryOfProcess(fallback);
    if (library == nullptr && ::dlsym(RTLD_DEFAULT, "cuptiSubscribe_v2") == nullptr) {
        return CuptiMissing{"libcupti.so.13 cannot be loaded",
                            "install the wheel nvidia-cuda-cupti 13.0.85 or newer beside torch"};
    }
    decltype(&cuptiGetVersion) version = nullptr;
    find(library, "cuptiGetVersion", version);
    if (version == nullptr || version(&api.version) != CUPTI_SUCCESS || api.version < kLeastVersion) {
        return CuptiMissing{"libcupti.so.13 has version " + std::to_string(api.version) + ", and " +
                                std::to_string(kLeastVersion) + " is the first without lost records",
                            "install the wheel nvidia-cuda-cupti 13.0.85 or newer beside torch"};
    }
    fill(api, library);
    openNvperfBeside(api, reinterpret_cast<void*>(version));
    return api;
}

std::optional<CuptiApi> loadCuptiWithoutDevice(const std::filesystem::path& path) {
    void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return std::nullopt;
    CuptiApi api;
    decltype(&cuptiGetVersion) version = nullptr;
    find(library, "cuptiGetVersion", version);
    if (version == nullptr || version(&api.version) != CUPTI_SUCCESS) return std::nullopt;
    fill(api, library);
    openNvperfBeside(api, reinterpret_cast<void*>(version));
    return api;
}

const char* missingForTracing(const CuptiApi& api) {
    return firstMissing({{"cuptiSubscribe_v2", api.subscribe != nullptr},
                         {"cuptiActivityRegisterCallbacks", api.registerBuffers != nullptr},
                         {"cuptiActivityRegisterTimestampCallback", api.registerTimestamp != nullptr},
                         {"cuptiActivityEnable", api.enable != nullptr},
                         {"cuptiActivityEnableRuntimeApi", api.enableRuntime != nullptr},
                         {"cuptiActivityEnableDriverApi", api.enableDriver != nullptr},
                         {"cuptiActivityPushExternalCorrelationId", api.pushExternal != nullptr},
                         {"cuptiActivityPopExternalCorrelationId", api.popExternal != nullptr},
                         {"cuptiActivityFlushAll", api.flush != nullptr},
                         {"cuptiActivityGetNextRecord", api.nextRecord != nullptr}});
}

const char* missingForCounters(const CuptiApi& api) {
    return firstMissing({{"cuptiProfilerInitialize", api.profilerInitialize != nullptr},
                         {"cuptiDeviceGetChipName", api.chipName != nullptr},
                         {"cuptiProfilerHostInitialize", api.hostInitialize != nullptr},
                         {"cuptiProfilerHostDeinitialize", api.hostDeinitialize != nullptr},
                         {"cuptiProfilerHostConfigAddMetrics", api.hostAddMetrics != nullptr},
                         {"cuptiProfilerHostGetConfigImageSize", api.hostConfigSize != nullptr},
                         {"cuptiProfilerHostGetConfigImage", api.hostConfig != nullptr},
                         {"cuptiProfilerHostGetNumOfPasses", api.hostPasses != nullptr},
                         {"cuptiProfilerHostEvaluateToGpuValues", api.hostEvaluate != nullptr}});
}

const char* missingForSampling(const CuptiApi& api) {
    if (const char* name = missingForCounters(api)) return name;
    return firstMissing({{"cuptiPmSamplingGetCounterAvailability", api.pmAvailability != nullptr},
                         {"cuptiPmSamplingEnable", api.pmEnable != nullptr},
                         {"cuptiPmSamplingDisable", api.pmDisable != nullptr},
                         {"cuptiPmSamplingSetConfig", api.pmSetConfig != nullptr},
                         {"cuptiPmSamplingGetCounterDataSize", api.pmDataSize != nullptr},
                         {"cuptiPmSamplingCounterDataImageInitialize", api.pmInitializeData != nullptr},
                         {"cuptiPmSamplingStart", api.pmStart != nullptr},
                         {"cuptiPmSamplingStop", api.pmStop != nullptr},
                         {"cuptiPmSamplingDecodeData", api.pmDecode != nullptr},
                         {"cuptiPmSamplingGetCounterDataInfo", api.pmDataInfo != nullptr},
                         {"cuptiPmSamplingCounterDataGetSampleInfo", api.pmSampleInfo != nullptr}});
}

const char* missingForRanges(const CuptiApi& api) {
    if (const char* name = missingForCounters(api)) return name;
    return firstMissing({{"cuDevicePrimaryCtxRetain", api.cuda.retainContext != nullptr},
                         {"cuptiRangeProfilerEnable", api.rangeEnable != nullptr},
                         {"cuptiRangeProfilerDisable", api.rangeDisable != nullptr},
                         {"cuptiRangeProfilerGetCounterDataSize", api.rangeDataSize != nullptr},
                         {"cuptiRangeProfilerCounterDataImageInitialize", api.rangeInitializeData != nullptr},
                         {"cuptiRangeProfilerSetConfig", api.rangeSetConfig != nullptr},
                         {"cuptiRangeProfilerStart", api.rangeStart != nullptr},
                         {"cuptiRangeProfilerStop", api.rangeStop != nullptr},
                         {"cuptiRangeProfilerPushRange", api.rangePush != nullptr},
                         {"cuptiRangeProfilerPopRange", api.rangePop != nullptr},
                         {"cuptiRangeProfilerDecodeData", api.rangeDecode != nullptr},
                         {"cuptiRangeProfilerGetCounterDataInfo", api.rangeDataInfo != nullptr},
                         {"cuptiRangeProfilerCounterDataGetRangeInfo", api.rangeInfo != nullptr}});
}

}  // namespace fluxscope
