#include "profiler/capture/layer_details.h"

#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/detail/row_reader.h"
#include "profiler/capture/detail/tables.h"
#include "profiler/store/schema.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <string>

namespace fluxscope {
namespace {

void requireOrdinary(SQLite::Database& database, const std::filesystem::path& file, const char* table) {
    if (const std::string instead = planted(database, table); !instead.empty()) {
        throw InputError{file.string(), "table " + std::string(table), instead,
                         "copy the file again from where it was recorded"};
    }
}

template <class Read>
auto reading(const std::filesystem::path& file, const char* table, Read read) {
    try {
        SQLite::Database database = openCapture(file);
        requireOrdinary(database, file, table);
        return read(database);
    } catch (const SQLite::Exception& e) {
        if (isBusy(e)) throw busyError(file);
        throw readingError(file, e);
    }
}

}  // namespace

std::vector<ScopeRow> readScopes(const std::filesystem::path& file, RunIndex run, BatchIndex batch,
                                 StepIndex step, std::optional<LayerIndex> layer, TurnIndex turn) {
    return reading(file, "layer_step", [&](SQLite::Database& database) {
        for (const char* table : scopeTables(requireCapture(database, file.string())))
            requireOrdinary(database, file, table);
        const std::int64_t ofLayer = layer ? layer->value() : -1;
        std::vector<ScopeRow> scopes;
        // There is no index of scopes: the cost table knows where to look, and naming both phases lets its own index find the row.
        RowReader range(database,
                        "SELECT first_scope, last_scope FROM layer_step WHERE run = ? AND batch = ? AND turn "
                        "= ? AND phase IN ('prefill', 'decode') AND step = ? AND layer = ?",
                        {run.value(), batch.value(), turn.value(), step.value(), ofLayer});
        if (!range.next() || range.isNull(0)) return scopes;
        RowReader row(database,
                      "SELECT chunk, op, begin_ns, end_ns, bytes_read, bytes_written, flops FROM scope WHERE "
                      "run = ? AND batch = ? AND turn = ? AND step = ? AND layer = ? AND scope BETWEEN ? AND "
                      "? ORDER BY scope",
                      {run.value(), batch.value(), turn.value(), step.value(), ofLayer, range.count(0),
                       range.count(1)});
        while (row.next()) {
            ScopeRow scope{
                .chunk = {}, .op = opIn(row, 1), .begin = row.time(2), .end = row.time(3), .cost = {}};
            if (const auto chunk = row.key<ChunkIndex>(0, -1); chunk.value() >= 0) scope.chunk = chunk;
            if (!row.isNull(4)) scope.cost = cost::Cost{row.count(4), row.count(5), row.count(6)};
            if (!row.isBad()) scopes.push_back(scope);
        }
        return scopes;
    });
}

std::vector<PromptTokenRow> readPromptTokens(const std::filesystem::path& file, RunIndex run,
                                             SequenceIndex sequence, TurnIndex turn) {
    return reading(file, "token", [&](SQLite::Database& database) {
        RowReader row(database,
                      "SELECT position, token, byte_begin, byte_end FROM token WHERE run = ? AND sequence = "
                      "? AND turn = ? AND step = -1 "
                      "ORDER BY position",
                      {run.value(), sequence.value(), turn.value()});
        std::vector<PromptTokenRow> tokens;
        while (row.next()) {
            const PromptTokenRow token{.position = row.count(0),
                                       .token = row.key<TokenId>(1),
                                       .byteBegin = row.count(2),
                                       .byteEnd = row.count(3)};
            if (!row.isBad()) tokens.push_back(token);
        }
        return tokens;
    });
}

}  // namespace fluxscope
