#include "profiler/capture/layer_details.h"

#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/detail/row_reader.h"
#include "profiler/capture/detail/tables.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <string>

namespace fluxscope {
namespace {

template <class Read>
auto reading(const std::filesystem::path& file, std::initializer_list<const char*> tables, Read read) {
    try {
        SQLite::Database database = openCapture(file);
        for (const char* table : tables) {
            if (const std::string instead = planted(database, table); !instead.empty()) {
                throw InputError{file.string(), "table " + std::string(table), instead,
                                 "copy the file again from where it was recorded"};
            }
        }
        return read(database);
    } catch (const SQLite::Exception& e) {
        if (isBusy(e)) throw busyError(file);
        throw readingError(file, e);
    }
}

}  // namespace

std::vector<ScopeRow> readScopes(const std::filesystem::path& file, RunIndex run, BatchIndex batch,
                                 StepIndex step, std::optional<LayerIndex> layer, TurnIndex turn) {
    return reading(file, {"scope", "layer_step"}, [&](SQLite::Database& database) {
        // `scope` has no index: the cost table knows where to look, and naming both phases lets its own index find the row.
        RowReader row(
            database,
            "SELECT s.chunk, s.op, s.begin_ns, s.end_ns, s.bytes_read, s.bytes_written, s.flops FROM "
            "layer_step AS l JOIN scope "
            "AS s ON s.scope BETWEEN l.first_scope AND l.last_scope AND s.run = l.run AND s.batch = l.batch "
            "AND s.turn = l.turn "
            "AND s.phase = l.phase AND s.step = l.step AND s.layer = l.layer "
            "WHERE l.run = ? AND l.batch = ? AND l.turn = ? AND l.phase IN ('prefill', 'decode') AND l.step "
            "= ? AND l.layer = ? ORDER BY s.scope",
            {run.value(), batch.value(), turn.value(), step.value(), layer ? layer->value() : -1});
        std::vector<ScopeRow> scopes;
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
    return reading(file, {"token"}, [&](SQLite::Database& database) {
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
