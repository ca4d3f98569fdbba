// From a buffer that CUPTI has filled to records, and to what joins them. A pure function of the bytes: recorded buffers go
// through it as fresh ones do.
#pragma once

#include "profiler/record/cupti/detail/names.h"
#include "profiler/record/cupti/detail/scope_ids.h"
#include "profiler/store/device_records.h"

#include <cupti.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace fluxscope {

// The scope that was on top when an API call was made.
struct ExternalId {
    std::uint32_t correlation = 0;
    ScopeTicket ticket = kNoTicket;
};

// Correlation ids are still CUPTI's 32 bits, and no record has a place yet.
struct DecodedRecords {
    std::vector<ExternalId> externals;
    std::vector<KernelRecord> kernels;
    std::vector<CopyRecord> copies;
    std::vector<FillRecord> fills;
    std::vector<ApiRecord> calls;
    std::vector<SyncRecord> syncs;
    std::vector<OverheadRecord> overheads;
    std::int64_t kernelsSeen = 0;  // those with bad times too: CUPTI's own count
    std::int64_t badTimes = 0;
    std::int64_t truncatedBuffers = 0;
    std::int64_t unknownRecords = 0;
};

struct RecordWalk {
    decltype(&cuptiActivityGetNextRecord) next = nullptr;
    decltype(&cuptiGetCallbackName) callbackName = nullptr;  // null: API calls have no name
    bool ownsPointers = true;  // false: recorded; what records point to is not theirs to free
};

// Adds to `into`.
void decodeBuffer(const RecordWalk& walk, std::span<std::uint8_t> bytes, Names& names, DecodedRecords& into);

}  // namespace fluxscope
