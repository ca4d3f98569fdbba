// Reading tables of a file that nobody vouches for: each on its own, so that what is damaged hides only itself.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/capture/detail/row_reader.h"

#include <SQLiteCpp/Database.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace fluxscope {

// Opens `file` and calls `read` with all tables as of one moment; not for a file of version 1, which has no tables of a device. Throws
// InputError as readCapture does, and MachineError while the file stays locked.
void readDevice(const std::filesystem::path& file, const std::atomic<bool>* stop,
                const std::function<void(SQLite::Database&)>& read);

// Calls `read`, which reads `table`. What hides it becomes a sentence in `problems`, each once. Throws while the file is busy; a
// query that was stopped ends quietly.
void readTable(SQLite::Database& database, const std::string& table, std::vector<std::string>& problems,
               const std::function<void()>& read);

// Adds "table X: 3 rows do not fit the rest of the file and are left out".
void tellBadRows(std::vector<std::string>& problems, const std::string& table, std::int64_t rows);

// Columns from `first` on are batch, turn, phase, layer, chunk and op of a scope, without its step. Absent: nobody's. A word that is
// not known makes the row a bad one.
std::optional<ScopeKey> placeIn(RowReader& row, int first);
std::optional<Op> opIn(RowReader& row, int column);

// Row ids as positions. They are small and dense in a file of ours, anything at all in another.
class Positions {
public:
    static constexpr std::int32_t kUnknown = -1;

    void put(std::int64_t id, std::int32_t position);
    std::int32_t of(std::int64_t id) const {
        if (id >= 0 && static_cast<std::size_t>(id) < dense_.size())
            return dense_[static_cast<std::size_t>(id)];
        const auto found = sparse_.find(id);
        return found == sparse_.end() ? kUnknown : found->second;
    }

private:
    static constexpr std::int64_t kDense = 1 << 20;
    std::vector<std::int32_t> dense_;
    std::unordered_map<std::int64_t, std::int32_t> sparse_;
};

}  // namespace fluxscope
