// The small tables of a capture: who recorded, with what, which model, which prompts, which runs. Read whole at each poll.
#include "profiler/capture/detail/collector_rows.h"
#include "profiler/capture/detail/snapshot_limits.h"
#include "profiler/capture/detail/snapshot_reader.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace fluxscope {
namespace {

using snapshot::kMostLayers;
using snapshot::Rising;

}  // namespace

bool SnapshotReader::readSmallTables(SQLite::Database& database) {
    std::uint64_t digest = 0xCBF29CE484222325;
    readProcesses(database, digest);
    if (!processes_.empty()) {
        const Nanoseconds identity = processes_.front().utc;
        if (identity_ != Nanoseconds{} && identity != identity_) {
            startOver();
            readProcesses(database, digest);
        }
        identity_ = identity;
    }
    if (const std::int64_t revisions = revisionsOf(database);
        revisions != std::exchange(revisions_, revisions)) {
        startOver();
        revisions_ = revisions;
        return readSmallTables(database);
    }
    readEnvironment(database, digest);
    readCollectors(database, digest);
    readModels(database, digest);
    readRuns(database, digest);
    // Prompts come with the run that needs them, and their texts are long.
    if (runs_.size() != runsWhenPromptsWereRead_) {
        readPrompts(database);
        runsWhenPromptsWereRead_ = runs_.size();
    }
    readSequences(database, digest);
    readTrainings(database, digest);
    return std::exchange(digest_, digest) != digest;
}

// How often rows of any run were set right. Version 1 never did.
std::int64_t SnapshotReader::revisionsOf(SQLite::Database& database) {
    std::int64_t revisions = 0;
    if (version_ < 2) return revisions;
    table(database, "run", [&] {
        RowReader row(database, "SELECT revision FROM run");
        while (row.next()) revisions += row.integer(0, 0, 1 << 20);
    });
    return revisions;
}

void SnapshotReader::readProcesses(SQLite::Database& database, std::uint64_t& digest) {
    processes_.clear();
    table(database, "process", [&] {
        RowReader row(database,
                      "SELECT process, host, pid, program, collector, monotonic_ns, utc_ns FROM process "
                      "ORDER BY process");
        for (Rising<ProcessIndex> rising; row.next();) {
            ProcessRow process{.process = row.key<ProcessIndex>(0),
                               .host = row.string(1),
                               .pid = row.integer(2),
                               .program = row.string(3),
                               .collector = row.string(4),
                               .monotonic = row.time(5),
                               .utc = row.time(6)};
            rising.require(process.process);
            row.digestInto(digest);
            processes_.push_back(std::move(process));
        }
    });
}

void SnapshotReader::readEnvironment(SQLite::Database& database, std::uint64_t& digest) {
    environment_.clear();
    table(database, "environment", [&] {
        RowReader row(database,
                      "SELECT process, name, value, source FROM environment ORDER BY process, name");
        for (Rising<std::pair<ProcessIndex, std::string>> rising; row.next();) {
            EnvironmentRow fact{.process = row.key<ProcessIndex>(0),
                                .name = row.string(1),
                                .value = row.string(2),
                                .source = row.string(3)};
            rising.require({fact.process, fact.name});
            row.digestInto(digest);
            environment_.push_back(std::move(fact));
        }
    });
}

// Version 1 did not say.
void SnapshotReader::readCollectors(SQLite::Database& database, std::uint64_t& digest) {
    collectors_.clear();
    if (version_ < 2) return;
    table(database, "collector", [&] {
        std::int64_t& bad = progress_["collector"].badRows;
        bad = 0;
        for (RowReader row(database, kCollectorQuery); row.next();) {
            row.digestInto(digest);
            if (auto collector = collectorIn(row))
                collectors_.push_back(std::move(*collector));
            else
                ++bad;
        }
    });
}

void SnapshotReader::readModels(SQLite::Database& database, std::uint64_t& digest) {
    models_.clear();
    table(database, "model", [&] {
        RowReader row(database,
                      "SELECT model, hash, name, path, architecture, layers, heads, kv_heads, head_dim, "
                      "hidden, vocabulary, parameters, "
                      "router_parameters, pool_size, untrained FROM model ORDER BY model");
        const auto size = [&row](int column, std::int64_t most = std::numeric_limits<std::int32_t>::max()) {
            return static_cast<std::int32_t>(row.integer(column, 0, most));
        };
        for (Rising<std::int64_t> rising; row.next();) {
            ModelRow model{.model = row.integer(0), .facts = {}};
            model.facts = {.name = row.string(2),
                           .path = row.string(3),
                           .architecture = row.string(4),
                           .hash = row.string(1),
                           .layers = size(5, kMostLayers),
                           .heads = size(6),
                           .kvHeads = size(7),
                           .headDim = size(8),
                           .hidden = size(9),
                           .vocabulary = size(10),
                           .parameters = row.count(11),
                           .routerParameters = row.count(12),
                           .poolSize = size(13),
                           .untrained = row.integer(14) != 0};
            rising.require(model.model);
            row.digestInto(digest);
            models_.push_back(std::move(model));
        }
    });
}

void SnapshotReader::readPrompts(SQLite::Database& database) {
    prompts_.clear();
    table(database, "prompt", [&] {
        RowReader row(database, "SELECT prompt, id, kind, split, text, answer FROM prompt ORDER BY prompt");
        for (Rising<std::int64_t> rising; row.next();) {
            PromptRow prompt{.prompt = row.integer(0),
                             .id = row.string(1),
                             .kind = row.string(2),
                             .split = row.string(3),
                             .text = {},
                             .answer = row.string(5)};
            if (!row.isNull(4)) prompt.text = row.string(4);
            rising.require(prompt.prompt);
            prompts_.push_back(std::move(prompt));
        }
    });
}

void SnapshotReader::readRuns(SQLite::Database& database, std::uint64_t& digest) {
    runs_.clear();
    shapes_.clear();
    table(database, "run", [&] {
        const std::string sql =
            "SELECT run, process, model, role, repeat, policy, policy_name, sparse, seed, max_new, "
            "chunk_tokens, device, dtype, "
            "begin_ns, end_ns, outcome, reason, dropped" +
            std::string(version_ < 2 ? ", NULL, 0, '', '{}'" : ", settled, clock_locked, origin, sampling") +
            " FROM run ORDER BY run";
        RowReader row(database, sql.c_str());
        for (Rising<RunIndex> rising; row.next();) {
            const auto small = [&row](int column) {
                return static_cast<std::int32_t>(
                    row.integer(column, 0, std::numeric_limits<std::int32_t>::max()));
            };
            RunRow run{.run = row.key<RunIndex>(0),
                       .process = row.key<ProcessIndex>(1),
                       .model = row.integer(2),
                       .role = row.string(3),
                       .repeat = small(4),
                       .policyJson = row.string(5),
                       .policyName = row.string(6),
                       .sparse = row.string(7),
                       .seed = static_cast<std::uint64_t>(row.integer(8)),
                       .maxNew = small(9),
                       .chunkTokens = small(10),
                       .device = row.string(11),
                       .dtype = row.string(12),
                       .begin = row.time(13),
                       .end = {},
                       .outcome = {},
                       .reason = row.string(16),
                       .dropped = row.count(17),
                       .clockLocked = row.integer(19) != 0,
                       .origin = row.string(20),
                       .sampling = row.string(21)};
            if (!row.isNull(14)) run.end = row.time(14);
            if (!row.isNull(15)) run.outcome = row.string(15);
            rising.require(run.run);
            row.digestInto(digest);
            if (!row.isNull(18)) shapes_[run.run].settled = row.integer(18);
            const auto model = std::ranges::find(models_, run.model, &ModelRow::model);
            shapes_[run.run].layers = model == models_.end() ? kMostLayers : model->facts.layers;
            runs_.push_back(std::move(run));
        }
    });
}

void SnapshotReader::readSequences(SQLite::Database& database, std::uint64_t& digest) {
    sequences_.clear();
    table(database, "sequence", [&] {
        Progress& progress = progress_["sequence"];
        progress.badRows = 0;
        RowReader row(
            database,
            "SELECT run, sequence, batch, prompt, prompt_tokens FROM sequence ORDER BY run, sequence");
        for (Rising<std::pair<RunIndex, SequenceIndex>> rising; row.next();) {
            const SequenceRow sequence{.run = row.key<RunIndex>(0),
                                       .sequence = row.key<SequenceIndex>(1),
                                       .batch = row.key<BatchIndex>(2, -1),
                                       .prompt = row.integer(3),
                                       .promptTokens = row.count(4)};
            rising.require({sequence.run, sequence.sequence});
            row.digestInto(digest);
            const auto shape = shapes_.find(sequence.run);
            if (row.isBad() || shape == shapes_.end()) {
                ++progress.badRows;
                continue;
            }
            shape->second.sequences.insert(sequence.sequence);
            sequences_.push_back(sequence);
        }
    });
}

}  // namespace fluxscope
