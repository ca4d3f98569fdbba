// The overview of a run as rows: as the file has it, and as it should be. And making it, where a file has none.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace SQLite {  // NOLINT(readability-identifier-naming): theirs
class Database;
}

namespace fluxscope {

struct OverviewRow {
    std::int64_t level = 0;
    std::string kind;  // of the lane, with its keys
    std::string phase;
    std::int64_t layer = -1;
    std::int64_t device = -1;
    std::int64_t stream = -1;
    std::int64_t bucket = 0;
    std::int64_t busy_ns = 0;
    std::int64_t events = 0;
    std::string op;

    friend auto operator<=>(const OverviewRow&, const OverviewRow&) = default;
};

// In order. Throws SQLite::Exception.
std::vector<OverviewRow> overviewIn(SQLite::Database& database, std::int64_t run);

// The same from the intervals in the file, from this level up. Nothing where these are so long that it would take gigabytes. Throws as above.
std::optional<std::vector<OverviewRow>> overviewByDefinition(SQLite::Database& database, std::int64_t run,
                                                             int finestLevel);

// Makes the overview of a run anew; with intervals that long it still has none. Throws SQLite::Exception.
void makeOverview(SQLite::Database& database, std::int64_t run);

// Makes the overview of each ended run that has none (of imports, and of files that an older FluxScope wrote), and of a run on a CPU whose process
// was lost. Returns how many. Writes into the file only where there is one to make; throws then as CaptureWriter does. `progress` hears of each run before it is summed up.
int buildOverviews(const std::filesystem::path& file,
                   const std::function<void(std::int64_t run)>& progress = {});

}  // namespace fluxscope
