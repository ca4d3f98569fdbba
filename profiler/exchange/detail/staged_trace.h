// A trace on its way from another form into queries: tables of a private database that SQLite keeps on the disk and takes away.
#pragma once

#include "profiler/exchange/detail/trace_tables.h"

#include <SQLiteCpp/Statement.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fluxscope {

struct StagedWork {  // of a device
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t device = 0;
    std::int64_t context = 0;
    std::int64_t stream = 0;
    std::int64_t correlation = 0;
    std::int64_t externalId = 0;
    std::int64_t graph = 0;
    std::int64_t node = 0;
    std::array<std::int64_t, 3> grid{};
    std::array<std::int64_t, 3> block{};
    std::int64_t registers = 0;
    std::int64_t sharedBytes = 0;
    std::int64_t copyKind = 0;
    bool pinned = false;
    std::int64_t bytes = 0;
};

class StagedTrace {
public:
    explicit StagedTrace(const CancelToken* cancel);

    void kernel(const StagedWork& work, std::string_view name);
    void copy(const StagedWork& work);
    void fill(const StagedWork& work);
    void call(std::int64_t thread, std::int64_t begin, std::int64_t end, std::int64_t key,
              std::int64_t correlation, std::string_view name);
    void range(std::int64_t thread, std::int64_t begin, std::int64_t end, std::string_view name);

    TraceTables finish();  // the trace is then gone from here

private:
    std::int64_t textOf(std::string_view text);

    std::optional<SQLite::Database> database_;
    std::optional<SQLite::Statement> kernel_, copy_, fill_, call_, range_, text_;
    std::unordered_map<std::string, std::int64_t> texts_;
};

}  // namespace fluxscope
