// Inserts the scopes of decoded steps, many in one row: a row of each of them cost a decode of a small model on a CPU more than all else that is
// recorded of it (docs/performance.md).
#pragma once

#include "profiler/store/detail/raw_statement.h"
#include "profiler/store/records.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope {

class ScopeSteps {
public:
    explicit ScopeSteps(SQLite::Database& database);

    // Numbered one behind the one before, unless that has been flushed.
    void add(std::int64_t run, std::int64_t number, const ScopeRecord& scope);
    void flush();

private:
    RawStatement insert_;
    std::int64_t run_ = 0;
    std::int64_t first_ = 0;
    std::vector<ScopeRecord> scopes_;  // of one step
    std::string text_;                 // kept for its memory
};

}  // namespace fluxscope
