// A question in SQL to a capture that nobody vouches for: read-only, without its views and triggers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace fluxscope {

struct SqlBlob {
    std::string bytes;
};
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string, SqlBlob>;  // NULL first

// The names of the columns of a statement's result, then its rows. False: enough.
struct SqlVisitor {
    std::function<void(const std::vector<std::string>&)> columns;
    std::function<bool(const std::vector<SqlValue>&)> row;
};

// One or more statements. Throws InputError as readCapture does, and UsageError with SQLite's words when a statement is wrong or
// would write.
void queryCapture(const std::filesystem::path& file, const std::string& sql, const SqlVisitor& visit);

}  // namespace fluxscope
