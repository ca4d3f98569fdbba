// The overview of a run, as the writer kept it (resources/schema.sql, tables lane and overview): how busy each lane of the time line
// was, without reading a kernel. Reads the file, so not on a thread that draws.
#pragma once

#include "engine/contract/observer.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

enum class LaneKind : std::uint8_t { Phase, Layer, Stream, Unattributed };

// Buckets that have anything, by number.
struct OverviewBuckets {
    LaneKind kind = LaneKind::Stream;
    std::optional<Phase> phase;       // of a phase
    std::optional<LayerIndex> layer;  // of a layer; absent there: outside all layers
    std::int32_t device = -1;         // of a stream
    std::int32_t stream = -1;

    std::vector<std::int64_t> bucket;
    std::vector<std::int64_t> busy_ns;  // where intervals overlap more than a bucket's length
    std::vector<std::int64_t> events;
    std::vector<std::optional<Op>> op;  // with the most of it

    std::size_t size() const { return bucket.size(); }
};

struct RunOverview {
    int level = 0;
    Nanoseconds origin{};  // where bucket 0 begins: the run's beginning
    Nanoseconds width{};
    std::vector<OverviewBuckets> lanes;
    std::vector<std::string> problems;

    bool empty() const { return lanes.empty(); }
};

// Of the levels that the run has, at the finest of which no lane reaches further than `buckets` buckets; at the coarsest, if none does.
// What a run on a CPU did within a bucket of its finest level stands in its scopes. Throws as readKernels does. Nothing from a file of version 1.
RunOverview readOverview(const std::filesystem::path& file, RunIndex run, std::size_t buckets);

}  // namespace fluxscope
