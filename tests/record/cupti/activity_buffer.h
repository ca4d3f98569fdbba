// Buffers as CUPTI would have filled them: real records of version 13.0, one behind the other, read by the production decoder with
// CUPTI's own walk (which needs no driver). And a sink that keeps everything.
#pragma once

#include "profiler/record/cupti/detail/api.h"
#include "profiler/record/cupti/detail/decode.h"
#include "profiler/record/cupti/detail/joiner.h"

#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace fluxscope::testing {

class ActivityBuffer {
public:
    ActivityBuffer& kernel(std::uint32_t correlation, std::uint64_t begin, std::uint64_t end,
                           std::uint64_t node = 0, const char* name = "kernel") {
        CUpti_ActivityKernel10 record{};
        record.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
        record.start = begin;
        record.end = end;
        record.correlationId = correlation;
        record.graphNodeId = node;
        record.graphId = static_cast<std::uint32_t>(node >> 32);
        record.streamId = 7;
        record.gridX = 4;
        record.gridY = record.gridZ = 1;
        record.blockX = 128;
        record.name = name;
        return add(record);
    }
    ActivityBuffer& external(std::uint32_t correlation, std::uint64_t ticket) {
        CUpti_ActivityExternalCorrelation record{};
        record.kind = CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION;
        record.externalKind = CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0;
        record.externalId = ticket;
        record.correlationId = correlation;
        return add(record);
    }
    ActivityBuffer& copy(std::uint32_t correlation, std::uint64_t begin, std::uint64_t end,
                         std::uint64_t bytes) {
        CUpti_ActivityMemcpy6 record{};
        record.kind = CUPTI_ACTIVITY_KIND_MEMCPY;
        record.copyKind = CUPTI_ACTIVITY_MEMCPY_KIND_DTOH;
        record.srcKind = CUPTI_ACTIVITY_MEMORY_KIND_DEVICE;
        record.dstKind = CUPTI_ACTIVITY_MEMORY_KIND_PINNED;
        record.start = begin;
        record.end = end;
        record.bytes = bytes;
        record.correlationId = correlation;
        return add(record);
    }
    ActivityBuffer& fill(std::uint32_t correlation, std::uint64_t begin, std::uint64_t end,
                         std::uint64_t bytes) {
        CUpti_ActivityMemset4 record{};
        record.kind = CUPTI_ACTIVITY_KIND_MEMSET;
        record.start = begin;
        record.end = end;
        record.bytes = bytes;
        record.correlationId = correlation;
        return add(record);
    }
    ActivityBuffer& call(std::uint32_t correlation, std::uint64_t begin, std::uint64_t end) {
        CUpti_ActivityAPI record{};
        record.kind = CUPTI_ACTIVITY_KIND_RUNTIME;
        record.cbid = CUPTI_RUNTIME_TRACE_CBID_cudaGraphLaunch_v10000;
        record.start = begin;
        record.end = end;
        record.threadId = 42;
        record.correlationId = correlation;
        return add(record);
    }
    ActivityBuffer& sync(std::uint32_t correlation, std::uint64_t begin, std::uint64_t end) {
        CUpti_ActivitySynchronization2 record{};
        record.kind = CUPTI_ACTIVITY_KIND_SYNCHRONIZATION;
        record.type = CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE;
        record.start = begin;
        record.end = end;
        record.correlationId = correlation;
        return add(record);
    }
    ActivityBuffer& overhead(std::uint64_t begin, std::uint64_t end, CUpti_ActivityOverheadKind kind,
                             void* data) {
        CUpti_ActivityOverhead3 record{};
        record.kind = CUPTI_ACTIVITY_KIND_OVERHEAD;
        record.overheadKind = kind;
        record.start = begin;
        record.end = end;
        record.overheadData = data;
        return add(record);
    }
    ActivityBuffer& ofKind(std::uint32_t kind) {
        struct Header {
            std::uint32_t kind;
            std::uint32_t rest[5];
        } record{.kind = kind, .rest = {}};
        return add(record);
    }
    ActivityBuffer& marker() {
        CUpti_ActivityMarker2 record{};
        record.kind = CUPTI_ACTIVITY_KIND_MARKER;
        return add(record);
    }
    ActivityBuffer& cutOff(std::size_t bytes) {
        valid_ -= bytes;
        return *this;
    }

    std::span<std::uint8_t> bytes() { return {reinterpret_cast<std::uint8_t*>(words_.data()), valid_}; }

private:
    template <class Record>
    ActivityBuffer& add(const Record& record) {
        static_assert(sizeof(Record) % 8 == 0);
        words_.resize((valid_ + sizeof record) / 8);
        std::memcpy(reinterpret_cast<std::uint8_t*>(words_.data()) + valid_, &record, sizeof record);
        valid_ += sizeof record;
        return *this;
    }

    std::vector<std::uint64_t> words_;
    std::size_t valid_ = 0;
};

// The wheel's libcupti: both flavours of .venv have it.
inline const CuptiApi& cuptiOfWheel() {
    static const CuptiApi api = [] {
        const auto found = loadCuptiWithoutDevice(FLUXSCOPE_LIBCUPTI);
        if (!found) throw std::runtime_error("cannot load " FLUXSCOPE_LIBCUPTI);
        return *found;
    }();
    return api;
}

inline RecordWalk walkOfWheel() { return {cuptiOfWheel().nextRecord, cuptiOfWheel().callbackName, false}; }

inline DecodedRecords decoded(ActivityBuffer& buffer, Names& names) {
    DecodedRecords records;
    decodeBuffer(walkOfWheel(), buffer.bytes(), names, records);
    return records;
}

// "decode 0/3 b0 s5 l2 Attention external-id"
inline std::string text(const Attributed& scope) {
    if (!scope.place) return "nobody";
    const ScopeKey& key = *scope.place;
    std::string text = std::string(nameOf(key.phase)) + " b" + std::to_string(key.batch.value()) + " s" +
                       std::to_string(key.step.value());
    if (key.layer) text += " l" + std::to_string(key.layer->value());
    if (key.chunk) text += " c" + std::to_string(key.chunk->value());
    if (key.op) text += " " + std::string(nameOf(*key.op));
    return text + " " + std::string(nameOf(scope.by));
}

inline std::string text(const std::vector<KernelRecord>& kernels) {
    std::string all;
    for (const KernelRecord& kernel : kernels)
        all += std::to_string(kernel.correlation) + ": " + text(kernel.scope) + "\n";
    return all;
}

}  // namespace fluxscope::testing
