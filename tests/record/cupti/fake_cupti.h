// A libcupti that does what a test tells it: every function succeeds, unless its name is scripted with an error. What the tracer
// registers is kept, and buffers are filled on flush with what the test has put aside.
#pragma once

#include "profiler/record/cupti/detail/api.h"
#include "tests/record/cupti/activity_buffer.h"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace fluxscope::testing {

struct FakeCupti {
    std::mutex mutex;
    std::map<std::string, CUptiResult> errors;
    std::string holder;  // who has subscribed already
    CUpti_BuffersCallbackRequestFunc request = nullptr;
    CUpti_BuffersCallbackCompleteFunc complete = nullptr;
    CUpti_CallbackFunc onEvent = nullptr;
    void* user = nullptr;
    std::vector<ActivityBuffer> pending;  // handed over with the next flush
    std::vector<std::uint64_t> stack;     // of external ids
    std::size_t dropped = 0;
    int forcedFlushes = 0;
    std::size_t passes = 1;
    bool gaveNoBuffer = false;
    std::set<std::string> notOffered;      // metrics
    bool imageRulesOutEverything = false;  // the counter availability image
    bool imageGiven = false;

    CUptiResult of(const char* name) {
        const auto found = errors.find(name);
        return found == errors.end() ? CUPTI_SUCCESS : found->second;
    }
};

inline FakeCupti*& fake() {
    static FakeCupti* current = nullptr;
    return current;
}

// A new one for each test; the table's functions find it here.
inline CuptiApi fakeApi(FakeCupti& cupti) {
    fake() = &cupti;
    CuptiApi api;
    api.version = 130001;
    api.cuda.retainContext = [](CUcontext* context, CUdevice) {
        *context = nullptr;
        return CUDA_SUCCESS;
    };
    api.resultString = [](CUptiResult error, const char** text) {
        *text = error == CUPTI_ERROR_INSUFFICIENT_PRIVILEGES ? "CUPTI_ERROR_INSUFFICIENT_PRIVILEGES"
                                                             : "CUPTI_ERROR";
        return CUPTI_SUCCESS;
    };
    api.nextRecord = cuptiOfWheel().nextRecord;
    api.callbackName = cuptiOfWheel().callbackName;
    api.subscribe = [](CUpti_SubscriberHandle*, CUpti_CallbackFunc callback, void* user,
                       CUpti_SubscriberParams* params) {
        fake()->onEvent = callback;
        fake()->user = user;
        std::snprintf(params->oldSubscriberName, params->oldSubscriberSize, "%s", fake()->holder.c_str());
        return fake()->of("subscribe");
    };
    api.enableCallback = [](std::uint32_t, CUpti_SubscriberHandle, CUpti_CallbackDomain, CUpti_CallbackId) {
        return fake()->of("enableCallback");
    };
    api.setThreadIdType = [](CUpti_ActivityThreadIdType) { return CUPTI_SUCCESS; };
    api.registerTimestamp = [](CUpti_TimestampCallbackFunc) { return fake()->of("registerTimestamp"); };
    api.setAttribute = [](CUpti_ActivityAttribute, std::size_t*, void*) { return CUPTI_SUCCESS; };
    api.registerBuffers = [](CUpti_BuffersCallbackRequestFunc request,
                             CUpti_BuffersCallbackCompleteFunc complete) {
        fake()->request = request;
        fake()->complete = complete;
        return fake()->of("registerBuffers");
    };
    api.enable = [](CUpti_ActivityKind kind) {
        return fake()->of(("enable " + std::to_string(kind)).c_str());
    };
    api.enableRuntime = [](CUpti_CallbackId, std::uint8_t) { return fake()->of("enableRuntime"); };
    api.enableDriver = [](CUpti_CallbackId, std::uint8_t) { return fake()->of("enableDriver"); };
    api.enableAllSyncs = [](std::uint8_t) { return CUPTI_SUCCESS; };
    api.pushExternal = [](CUpti_ExternalCorrelationKind, std::uint64_t id) {
        fake()->stack.push_back(id);
        return CUPTI_SUCCESS;
    };
    api.popExternal = [](CUpti_ExternalCorrelationKind, std::uint64_t* last) {
        *last = fake()->stack.back();
        fake()->stack.pop_back();
        return CUPTI_SUCCESS;
    };
    api.flush = [](std::uint32_t flag) {
        std::vector<ActivityBuffer> pending;
        {
            const std::lock_guard lock(fake()->mutex);
            pending.swap(fake()->pending);
            if (flag == CUPTI_ACTIVITY_FLAG_FLUSH_FORCED) ++fake()->forcedFlushes;
        }
        for (ActivityBuffer& filled : pending) {
            std::uint8_t* buffer = nullptr;
            std::size_t size = 0;
            std::size_t most = 0;
            fake()->request(&buffer, &size, &most);
            if (buffer == nullptr) {
                fake()->gaveNoBuffer = true;
                continue;
            }
            std::memcpy(buffer, filled.bytes().data(), filled.bytes().size());
            fake()->complete(nullptr, 0, buffer, size, filled.bytes().size());
        }
        return CUPTI_SUCCESS;
    };
    api.droppedRecords = [](CUcontext, std::uint32_t, std::size_t* dropped) {
        *dropped = std::exchange(fake()->dropped, 0);
        return CUPTI_SUCCESS;
    };
    // Handles are numbers here.
    api.graphNodeId = [](CUgraphNode node, std::uint64_t* id) {
        *id = reinterpret_cast<std::uint64_t>(node);
        return CUPTI_SUCCESS;
    };
    api.graphId = [](CUgraph, std::uint32_t* id) {
        *id = 0;
        return CUPTI_SUCCESS;
    };
    api.graphExecId = [](CUgraphExec, std::uint32_t* id) {
        *id = 0;
        return CUPTI_SUCCESS;
    };
    return api;
}

// Counters on top: a chip with `passes` passes, and one range or sample after another.
inline void addFakeCounters(CuptiApi& api) {
    api.profilerInitialize = [](CUpti_Profiler_Initialize_Params*) {
        return fake()->of("profilerInitialize");
    };
    api.chipName = [](CUpti_Device_GetChipName_Params* params) {
        params->pChipName = "GH100";
        return fake()->of("chipName");
    };
    api.hostInitialize = [](CUpti_Profiler_Host_Initialize_Params* params) {
        fake()->imageGiven = params->pCounterAvailabilityImage != nullptr;
        return fake()->of("hostInitialize");
    };
    api.hostDeinitialize = [](CUpti_Profiler_Host_Deinitialize_Params*) { return CUPTI_SUCCESS; };
    api.hostAddMetrics = [](CUpti_Profiler_Host_ConfigAddMetrics_Params* params) {
        if (fake()->imageGiven && fake()->imageRulesOutEverything) return CUPTI_ERROR_UNKNOWN;
        for (std::size_t m = 0; m < params->numMetrics; ++m)
            if (fake()->notOffered.contains(params->ppMetricNames[m])) return CUPTI_ERROR_UNKNOWN;
        return fake()->of("hostAddMetrics");
    };
    api.hostConfigSize = [](CUpti_Profiler_Host_GetConfigImageSize_Params* params) {
        params->configImageSize = 16;
        return CUPTI_SUCCESS;
    };
    api.hostConfig = [](CUpti_Profiler_Host_GetConfigImage_Params*) { return CUPTI_SUCCESS; };
    api.hostPasses = [](CUpti_Profiler_Host_GetNumOfPasses_Params* params) {
        params->numOfPasses = fake()->passes;
        return CUPTI_SUCCESS;
    };
    api.hostEvaluate = [](CUpti_Profiler_Host_EvaluateToGpuValues_Params* params) {
        for (std::size_t m = 0; m < params->numMetrics; ++m)
            params->pMetricValues[m] = static_cast<double>(100 * params->rangeIndex + m);
        return CUPTI_SUCCESS;
    };
}

}  // namespace fluxscope::testing
