// A trace of another tool, as queries over a database: each gives the columns below, in this order. Those that a file does not have
// are 0 or ''. What a tool told in another form has been put into a database first, so that SQLite sorts for all of them.
#pragma once

#include "profiler/exchange/detail/imported_run.h"

#include <SQLiteCpp/Database.h>

#include <string>
#include <vector>

namespace fluxscope {

struct TraceTables {
    explicit TraceTables(SQLite::Database opened) : database(std::move(opened)) {}

    SQLite::Database database;
    // Each is SELECT ... without ORDER BY; empty: the file has none.
    std::string ranges;  // thread, begin, end, text
    std::string calls;   // thread, begin, end, key, correlation, name
    std::string
        kernels;  // begin, end, device, context, stream, key, other_key, correlation, graph, node, name, grid_x, grid_y, grid_z,
    // block_x, block_y, block_z, cluster_x, cluster_y, cluster_z, registers, static_shared, dynamic_shared
    std::string
        copies;  // begin, end, device, context, stream, key, other_key, correlation, node, kind (CUPTI's), pinned, bytes
    std::string fills;  // begin, end, device, context, stream, key, other_key, correlation, node, bytes
    std::string
        samples;  // device, at, metric, value, ordered as they are to be read: by metric, device and time
    ImportedFacts facts;
    std::vector<std::string> notices;
};

// Where keys of calls and other keys lie side by side: an operation of PyTorch is found by its 'External id'.
inline constexpr std::int64_t kOtherKeys = std::int64_t{1} << 62;

ExchangeSummary importTrace(TraceTables& trace, const std::filesystem::path& file,
                            const std::filesystem::path& capture, const ExchangeOptions& options);

TraceTables readNsys(const std::filesystem::path& file, const ExchangeOptions& options);
TraceTables readKineto(const std::filesystem::path& file, const ExchangeOptions& options);
ExchangeSummary importDecisions(const std::filesystem::path& file, const std::filesystem::path& capture,
                                const ExchangeOptions& options);

}  // namespace fluxscope
