// Buffers of a traced run, kept in a file: made on a machine with a GPU, decoded in tests on any.
//
// The file is one line of JSON (CUPTI's version; names, scopes, graph nodes; for each buffer its length and where in it a kernel's
// name is pointed to) and then the buffers' bytes. What pointers pointed to is told by the line; they are patched on loading.
#pragma once

#include "profiler/record/cupti/detail/decode.h"
#include "profiler/record/cupti/detail/graph_nodes.h"
#include "profiler/record/cupti/detail/scope_ids.h"
#include "profiler/record/device_sink.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace fluxscope {

struct RecordedTrace {
    struct NamedAt {
        std::size_t offset = 0;  // of a kernel's record
        std::size_t name = 0;    // in names
    };
    struct Buffer {
        std::vector<std::uint64_t> words;  // aligned as CUPTI's own
        std::size_t valid = 0;             // bytes
        std::vector<NamedAt> names;
    };

    std::uint32_t version = 0;
    std::uint32_t run = 0;
    Nanoseconds begin{};
    std::vector<std::string> names;
    std::vector<RunPlace> scopes;
    std::vector<GraphNodes::Node> nodes;
    std::vector<Buffer> buffers;

    std::size_t bytes() const;
};

void keep(RecordedTrace& trace, decltype(&cuptiActivityGetNextRecord) next, std::span<std::uint8_t> bytes);

void save(const RecordedTrace& trace, const std::filesystem::path& file);  // throws MachineError
RecordedTrace loadTrace(const std::filesystem::path& file);                // throws InputError

// The whole run through the production decoder and joiner, a buffer a round. Names live as long as `names`.
struct ReplayedTrace {
    DeviceBatch records;
    TraceQuality quality;
};
ReplayedTrace replay(RecordedTrace trace, const RecordWalk& walk, Names& names);

}  // namespace fluxscope
