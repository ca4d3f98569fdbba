#include "profiler/capture/detail/tables.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/store/schema.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>

namespace fluxscope {

void readDevice(const std::filesystem::path& file, const std::atomic<bool>* stop,
                const std::function<void(SQLite::Database&)>& read) {
    try {
        SQLite::Database database = openCapture(file, stop);
        database.exec("BEGIN");
        if (requireCapture(database, file.string()) >= 2) read(database);
    } catch (const SQLite::Exception& e) {
        if (isBusy(e)) throw busyError(file);
        throw readingError(file, e);
    }
}

void readTable(SQLite::Database& database, const std::string& table, std::vector<std::string>& problems,
               const std::function<void()>& read) {
    try {
        if (const std::string instead = planted(database, table); !instead.empty())
            throw SQLite::Exception("it " + instead, SQLITE_ERROR);
        read();
    } catch (const SQLite::Exception& e) {
        if (isBusy(e)) throw;
        if (e.getErrorCode() == SQLITE_INTERRUPT) return;
        std::string problem = "table " + table + " cannot be read to its end: " + printable(e.what());
        if (std::ranges::find(problems, problem) == problems.end()) problems.push_back(std::move(problem));
    }
}

void tellBadRows(std::vector<std::string>& problems, const std::string& table, std::int64_t rows) {
    if (rows > 0)
        problems.push_back("table " + table + ": " + std::to_string(rows) +
                           " rows do not fit the rest of the file and are left out");
}

std::optional<ScopeKey> placeIn(RowReader& row, int first) {
    const std::string_view phase = row.text(first + 2);
    if (phase.empty()) return std::nullopt;
    ScopeKey key{.batch = row.key<BatchIndex>(first), .turn = row.key<TurnIndex>(first + 1)};
    if (phase == nameOf(Phase::Decode))
        key.phase = Phase::Decode;
    else if (phase != nameOf(Phase::Prefill))
        row.markBad();
    if (const auto layer = row.key<LayerIndex>(first + 3, -1); layer.value() >= 0) key.layer = layer;
    if (const auto chunk = row.key<ChunkIndex>(first + 4, -1); chunk.value() >= 0) key.chunk = chunk;
    key.op = opIn(row, first + 5);
    return key;
}

std::optional<Op> opIn(RowReader& row, int column) {
    const std::string_view name = row.text(column);
    if (name.empty()) return std::nullopt;
    for (int op = 0; op <= static_cast<int>(Op::Sample); ++op) {
        if (name == nameOf(static_cast<Op>(op))) return static_cast<Op>(op);
    }
    row.markBad();
    return std::nullopt;
}

void Positions::put(std::int64_t id, std::int32_t position) {
    if (id >= 0 && id < kDense) {
        if (dense_.size() <= static_cast<std::size_t>(id))
            dense_.resize(static_cast<std::size_t>(id) + 1, kUnknown);
        dense_[static_cast<std::size_t>(id)] = position;
    } else {
        sparse_[id] = position;
    }
}

}  // namespace fluxscope
