#include "profiler/record/cupti/detail/decode.h"

#include <cstdlib>

namespace fluxscope {
namespace {

Nanoseconds at(std::uint64_t time) { return Nanoseconds(static_cast<Nanoseconds::rep>(time)); }

// False of a record that the device had not finished, or whose beginning was never stamped. What ran is told all the same, and the
// writer marks its row; what the host did without times is of no use to anybody and left out.
template <class Record>
bool hasTimes(const Record& record) {
    return record.start != 0 && record.end >= record.start;
}

template <class Record>
DeviceQueue queueOf(const Record& record) {
    return {static_cast<std::int32_t>(record.deviceId), static_cast<std::int32_t>(record.contextId),
            static_cast<std::int32_t>(record.streamId)};
}

KernelRecord kernelOf(const CUpti_ActivityKernel10& kernel, Names& names) {
    return {.scope = {},
            .begin = at(kernel.start),
            .end = at(kernel.end),
            .queue = queueOf(kernel),
            .correlation = kernel.correlationId,
            .graph = kernel.graphId,
            .graphNode = kernel.graphNodeId,
            .name = names.of(kernel.name),
            .launch = {.grid = {kernel.gridX, kernel.gridY, kernel.gridZ},
                       .block = {kernel.blockX, kernel.blockY, kernel.blockZ},
                       .cluster = {static_cast<std::int32_t>(kernel.clusterX),
                                   static_cast<std::int32_t>(kernel.clusterY),
                                   static_cast<std::int32_t>(kernel.clusterZ)},
                       .registersPerThread = kernel.registersPerThread,
                       .staticSharedBytes = kernel.staticSharedMemory,
                       .dynamicSharedBytes = kernel.dynamicSharedMemory}};
}

CopyKind copyKindOf(std::uint8_t kind) {
    switch (kind) {
        case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
        case CUPTI_ACTIVITY_MEMCPY_KIND_HTOA: return CopyKind::HostToDevice;
        case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
        case CUPTI_ACTIVITY_MEMCPY_KIND_ATOH: return CopyKind::DeviceToHost;
        case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
        case CUPTI_ACTIVITY_MEMCPY_KIND_ATOA:
        case CUPTI_ACTIVITY_MEMCPY_KIND_ATOD:
        case CUPTI_ACTIVITY_MEMCPY_KIND_DTOA: return CopyKind::DeviceToDevice;
        case CUPTI_ACTIVITY_MEMCPY_KIND_HTOH: return CopyKind::HostToHost;
        case CUPTI_ACTIVITY_MEMCPY_KIND_PTOP: return CopyKind::PeerToPeer;
        default: return CopyKind::Other;
    }
}

template <class Copy>
CopyRecord copyOf(const Copy& copy) {
    return {.scope = {},
            .begin = at(copy.start),
            .end = at(copy.end),
            .queue = queueOf(copy),
            .correlation = copy.correlationId,
            .graphNode = copy.graphNodeId,
            .kind = copyKindOf(copy.copyKind),
            .pinned = copy.srcKind == CUPTI_ACTIVITY_MEMORY_KIND_PINNED ||
                      copy.dstKind == CUPTI_ACTIVITY_MEMORY_KIND_PINNED,
            .bytes = static_cast<std::int64_t>(copy.bytes)};
}

FillRecord fillOf(const CUpti_ActivityMemset4& fill) {
    return {.scope = {},
            .begin = at(fill.start),
            .end = at(fill.end),
            .queue = queueOf(fill),
            .correlation = fill.correlationId,
            .graphNode = fill.graphNodeId,
            .bytes = static_cast<std::int64_t>(fill.bytes)};
}

std::string_view syncName(CUpti_ActivitySynchronizationType type) {
    switch (type) {
        case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_EVENT_SYNCHRONIZE: return "event";
        case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_WAIT_EVENT: return "stream-wait-event";
        case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE: return "stream";
        case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_CONTEXT_SYNCHRONIZE: return "context";
        default: return "other";
    }
}

std::string_view overheadName(CUpti_ActivityOverheadKind kind) {
    switch (kind) {
        case CUPTI_ACTIVITY_OVERHEAD_DRIVER_COMPILER: return "driver-compiler";
        case CUPTI_ACTIVITY_OVERHEAD_CUPTI_BUFFER_FLUSH: return "buffer-flush";
        case CUPTI_ACTIVITY_OVERHEAD_CUPTI_INSTRUMENTATION: return "instrumentation";
        case CUPTI_ACTIVITY_OVERHEAD_CUPTI_RESOURCE: return "resource";
        case CUPTI_ACTIVITY_OVERHEAD_RUNTIME_TRIGGERED_MODULE_LOADING: return "module-loading";
        case CUPTI_ACTIVITY_OVERHEAD_LAZY_FUNCTION_LOADING: return "lazy-loading";
        case CUPTI_ACTIVITY_OVERHEAD_COMMAND_BUFFER_FULL: return "command-buffer-full";
        case CUPTI_ACTIVITY_OVERHEAD_ACTIVITY_BUFFER_REQUEST: return "buffer-request";
        default: return "other";
    }
}

// 0: a kind that was not asked for.
std::size_t bytesOf(CUpti_ActivityKind kind) {
    switch (kind) {
        case CUPTI_ACTIVITY_KIND_KERNEL:
        case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL: return sizeof(CUpti_ActivityKernel10);
        case CUPTI_ACTIVITY_KIND_MEMCPY: return sizeof(CUpti_ActivityMemcpy6);
        case CUPTI_ACTIVITY_KIND_MEMCPY2: return sizeof(CUpti_ActivityMemcpyPtoP4);
        case CUPTI_ACTIVITY_KIND_MEMSET: return sizeof(CUpti_ActivityMemset4);
        case CUPTI_ACTIVITY_KIND_RUNTIME:
        case CUPTI_ACTIVITY_KIND_DRIVER: return sizeof(CUpti_ActivityAPI);
        case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION: return sizeof(CUpti_ActivityExternalCorrelation);
        case CUPTI_ACTIVITY_KIND_SYNCHRONIZATION: return sizeof(CUpti_ActivitySynchronization2);
        case CUPTI_ACTIVITY_KIND_OVERHEAD: return sizeof(CUpti_ActivityOverhead3);
        default: return 0;
    }
}

class Decoder {
public:
    Decoder(const RecordWalk& walk, Names& names, DecodedRecords& into)
        : walk_(walk), names_(names), into_(into) {}

    void take(const CUpti_Activity& record) {
        switch (record.kind) {
            case CUPTI_ACTIVITY_KIND_KERNEL:
            case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
                ++into_.kernelsSeen;
                timed(as<CUpti_ActivityKernel10>(record));
                into_.kernels.push_back(kernelOf(as<CUpti_ActivityKernel10>(record), names_));
                break;
            case CUPTI_ACTIVITY_KIND_MEMCPY:
                timed(as<CUpti_ActivityMemcpy6>(record));
                into_.copies.push_back(copyOf(as<CUpti_ActivityMemcpy6>(record)));
                break;
            case CUPTI_ACTIVITY_KIND_MEMCPY2:
                timed(as<CUpti_ActivityMemcpyPtoP4>(record));
                into_.copies.push_back(copyOf(as<CUpti_ActivityMemcpyPtoP4>(record)));
                into_.copies.back().kind = CopyKind::PeerToPeer;
                break;
            case CUPTI_ACTIVITY_KIND_MEMSET:
                timed(as<CUpti_ActivityMemset4>(record));
                into_.fills.push_back(fillOf(as<CUpti_ActivityMemset4>(record)));
                break;
            case CUPTI_ACTIVITY_KIND_RUNTIME:
                call(as<CUpti_ActivityAPI>(record), CUPTI_CB_DOMAIN_RUNTIME_API);
                break;
            case CUPTI_ACTIVITY_KIND_DRIVER:
                call(as<CUpti_ActivityAPI>(record), CUPTI_CB_DOMAIN_DRIVER_API);
                break;
            case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION: {
                const auto& external = as<CUpti_ActivityExternalCorrelation>(record);
                if (external.externalKind == CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0)
                    into_.externals.push_back({external.correlationId, external.externalId});
                break;
            }
            case CUPTI_ACTIVITY_KIND_SYNCHRONIZATION:
                if (const auto& sync = as<CUpti_ActivitySynchronization2>(record); timed(sync))
                    into_.syncs.push_back({.begin = at(sync.start),
                                           .end = at(sync.end),
                                           .queue = {0, static_cast<std::int32_t>(sync.contextId),
                                                     static_cast<std::int32_t>(sync.streamId)},
                                           .correlation = sync.correlationId,
                                           .kind = syncName(sync.type)});
                break;
            case CUPTI_ACTIVITY_KIND_OVERHEAD: overhead(as<CUpti_ActivityOverhead3>(record)); break;
            default: ++into_.unknownRecords;
        }
    }

private:
    template <class Record>
    static const Record& as(const CUpti_Activity& record) {
        return reinterpret_cast<const Record&>(record);
    }

    template <class Record>
    bool timed(const Record& record) {
        if (hasTimes(record)) return true;
        ++into_.badTimes;
        return false;
    }

    void call(const CUpti_ActivityAPI& api, CUpti_CallbackDomain domain) {
        if (!timed(api)) return;
        const char* name = nullptr;
        if (walk_.callbackName != nullptr && walk_.callbackName(domain, api.cbid, &name) != CUPTI_SUCCESS)
            name = nullptr;
        into_.calls.push_back({.scope = {},
                               .begin = at(api.start),
                               .end = at(api.end),
                               .thread = static_cast<std::int32_t>(api.threadId),
                               .correlation = api.correlationId,
                               .name = names_.of(name)});
    }

    void overhead(const CUpti_ActivityOverhead3& overhead) {
        // CUPTI's words: the data of this kind, and of this kind alone, is the client's to free.
        if (walk_.ownsPointers && overhead.overheadKind == CUPTI_ACTIVITY_OVERHEAD_COMMAND_BUFFER_FULL)
            std::free(overhead.overheadData);
        if (!timed(overhead)) return;
        into_.overheads.push_back({.begin = at(overhead.start),
                                   .end = at(overhead.end),
                                   .thread = static_cast<std::int32_t>(overhead.objectId.pt.threadId),
                                   .kind = overheadName(overhead.overheadKind)});
    }

    const RecordWalk& walk_;
    Names& names_;
    DecodedRecords& into_;
};

}  // namespace

void decodeBuffer(const RecordWalk& walk, std::span<std::uint8_t> bytes, Names& names, DecodedRecords& into) {
    Decoder decoder(walk, names, into);
    CUpti_Activity* record = nullptr;
    std::size_t behind = 0;  // the offset behind the last record, where that is known
    for (;;) {
        const CUptiResult walked = walk.next(bytes.data(), bytes.size(), &record);
        if (walked == CUPTI_SUCCESS && record != nullptr) {
            const std::size_t length = bytesOf(record->kind);
            behind =
                static_cast<std::size_t>(reinterpret_cast<std::uint8_t*>(record) - bytes.data()) + length;
            decoder.take(*record);
            if (length == 0) behind = bytes.size();
            continue;
        }
        // CUPTI ends a walk without a word where a record is cut off; an unknown kind has an unknown length, and nothing
        // behind it can be found.
        if (walked == CUPTI_ERROR_INVALID_KIND)
            ++into.unknownRecords;
        else if (walked != CUPTI_ERROR_MAX_LIMIT_REACHED || behind < bytes.size())
            ++into.truncatedBuffers;
        return;
    }
}

}  // namespace fluxscope
