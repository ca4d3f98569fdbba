#include "profiler/capture/detail/snapshot_reader.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/journal.h"
#include "profiler/store/schema.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

namespace fluxscope {
namespace {

template <class Value>
Value oneOf(RowReader& row, int column, std::initializer_list<Value> values) {
    for (const Value value : values) {
        if (row.text(column) == nameOf(value)) return value;
    }
    row.markBad();
    return *values.begin();
}

auto stepKey(const LayerStepRow& r) { return std::tuple(r.run, r.batch, r.turn, r.phase, r.step); }

bool sameCosts(const std::vector<LayerStepRow>& a, const std::vector<LayerStepRow>& b) {
    const auto costs = [](const LayerStepRow& r) {
        return std::tuple(stepKey(r), r.layer, r.time, r.router, r.attention, r.bytesRead, r.bytesWritten,
                          r.flops);
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](const LayerStepRow& x, const LayerStepRow& y) { return costs(x) == costs(y); });
}

LayerStepRow parseLayerStep(RowReader& row) {
    return {.run = row.key<RunIndex>(1),
            .batch = row.key<BatchIndex>(2),
            .turn = row.key<TurnIndex>(3),
            .phase = oneOf(row, 4, {Phase::Prefill, Phase::Decode}),
            .step = row.key<StepIndex>(5),
            .layer = row.key<LayerIndex>(6, -1),
            .begin = row.time(7),
            .time = Nanoseconds(row.count(8)),
            .router = Nanoseconds(row.count(9)),
            .attention = Nanoseconds(row.count(10)),
            .timeSource = row.string(11),
            .bytesRead = row.count(12),
            .bytesWritten = row.count(13),
            .flops = row.count(14),
            .bytesSource = row.string(15),
            .costVersion = row.key<Index<struct CostVersionTag>>(16).value()};
}

}  // namespace

SnapshotReader::SnapshotReader(std::filesystem::path file, const std::atomic<bool>* stop)
    : file_(std::move(file)), stop_(stop) {}

bool SnapshotReader::poll() {
    SQLite::Database database = openCapture(file_, stop_);
    version_ = requireCapture(database, file_.string());
    grown_ = false;
    bool changed = false;
    try {
        database.exec("BEGIN");  // all tables as of one moment
        changed = readSmallTables(database);
        readDecisions(database);
        readKv(database);
        readTokens(database);
        readLayerSteps(database);
        readFidelity(database);
        readEvaluations(database);
        readTrainingSteps(database);
    } catch (const SQLite::Exception& e) {
        if (isBusy(e) || e.getErrorCode() == SQLITE_INTERRUPT) throw;
        throw readingError(file_, e);
    }
    std::vector<std::string> losses = lossesOf(file_);
    changed |= losses != losses_;
    losses_ = std::move(losses);
    return changed || grown_;
}

std::shared_ptr<Snapshot> SnapshotReader::snapshot() {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->file = file_;
    snapshot->problems = losses_;
    for (const auto& [name, progress] : progress_) {
        if (!progress.damage.empty()) snapshot->problems.push_back(progress.damage);
        if (progress.badRows > 0) {
            snapshot->problems.push_back("table " + name + ": " + std::to_string(progress.badRows) +
                                         " rows do not fit the rest of the file and are left out");
        }
    }
    snapshot->processes = processes_;
    snapshot->environment = environment_;
    snapshot->collectors = collectors_;
    snapshot->models = models_;
    snapshot->prompts = prompts_;
    snapshot->runs = runs_;
    snapshot->sequences = sequences_;
    snapshot->decisions = decisions_.share();
    snapshot->kv = kv_.share();
    snapshot->tokens = tokens_.share();
    snapshot->layerSteps = layerSteps_.share();
    snapshot->fidelity = fidelity_.share();
    snapshot->evaluations = evaluations_.share();
    snapshot->trainings = trainings_;
    snapshot->trainingSteps = trainingSteps_.share();
    return snapshot;
}

void SnapshotReader::startOver() {
    const int version = version_;
    *this = SnapshotReader(file_, stop_);
    version_ = version;
    grown_ = true;
}

// What can be read of a table is read; what stands in the way is told, and the other tables are read all the same.
void SnapshotReader::table(SQLite::Database& database, const char* name, const std::function<void()>& read) {
    std::string damage;
    try {
        if (const std::string instead = planted(database, name); !instead.empty()) {
            throw SQLite::Exception("it " + instead, SQLITE_ERROR);
        }
        read();
    } catch (const SQLite::Exception& e) {
        if (isBusy(e) || e.getErrorCode() == SQLITE_INTERRUPT) throw;
        damage = "table " + std::string(name) + " cannot be read to its end: " + printable(e.what());
    }
    Progress& progress = progress_[name];
    grown_ |= damage != progress.damage;
    progress.damage = std::move(damage);
}

template <class Row, class Parse>
void SnapshotReader::grow(const char* name, SQLite::Database& database, const char* sql,
                          GrowingTable<Row>& into, Parse parse) {
    table(database, name, [&] {
        Progress& progress = progress_[name];
        RowReader row(database, sql, {progress.lastRow});
        while (row.next()) {
            const std::int64_t at = row.integer(0);
            if (at <= progress.lastRow) throw SQLite::Exception("its rows are out of order", SQLITE_CORRUPT);
            progress.lastRow = at;
            Row parsed = parse(row);
            const RunShape* shape = shapeOf(parsed.run);
            if (row.isBad() || shape == nullptr || !shape->sequences.contains(parsed.sequence)) {
                ++progress.badRows;
            } else {
                into.append(std::move(parsed));
            }
            grown_ = true;
        }
    });
}

const SnapshotReader::RunShape* SnapshotReader::shapeOf(RunIndex run) const {
    const auto found = shapes_.find(run);
    return found == shapes_.end() ? nullptr : &found->second;
}

void SnapshotReader::readDecisions(SQLite::Database& database) {
    grow("decision", database,
         "SELECT row, run, sequence, turn, step, layer, kv_head, attention, decided_by, logit_sparse, "
         "logit_full, threshold FROM decision "
         "NOT INDEXED WHERE row > ? ORDER BY row",
         decisions_, [this](RowReader& row) {
             DecisionRow r{.run = row.key<RunIndex>(1),
                           .sequence = row.key<SequenceIndex>(2),
                           .turn = row.key<TurnIndex>(3),
                           .step = row.key<StepIndex>(4),
                           .layer = row.key<LayerIndex>(5),
                           .decision = {}};
             const RunShape* shape = shapeOf(r.run);
             if (shape == nullptr || r.layer.value() >= shape->layers) row.markBad();
             r.decision.attention = oneOf(row, 7, {Attention::Sparse, Attention::Full});
             r.decision.by =
                 oneOf(row, 8, {DecidedBy::Router, DecidedBy::Policy, DecidedBy::Probe, DecidedBy::Replay});
             if (const auto head = row.key<KvHeadIndex>(6, -1); head.value() >= 0) r.decision.kvHead = head;
             if (!row.isNull(9) && !row.isNull(10)) {
                 r.decision.logits =
                     RouterLogits{static_cast<float>(row.real(9)), static_cast<float>(row.real(10))};
             }
             if (!row.isNull(11)) r.decision.threshold = row.real(11);
             return r;
         });
}

void SnapshotReader::readKv(SQLite::Database& database) {
    grow("kv", database,
         "SELECT row, run, sequence, turn, step, layer, bytes_kept, bytes_freed FROM kv NOT INDEXED WHERE "
         "row > ? ORDER BY row",
         kv_, [this](RowReader& row) {
             const KvRow r{.run = row.key<RunIndex>(1),
                           .sequence = row.key<SequenceIndex>(2),
                           .turn = row.key<TurnIndex>(3),
                           .step = row.key<StepIndex>(4),
                           .layer = row.key<LayerIndex>(5),
                           .kv = {.bytesKept = row.count(6), .bytesFreed = row.count(7)}};
             const RunShape* shape = shapeOf(r.run);
             if (shape == nullptr || r.layer.value() >= shape->layers) row.markBad();
             return r;
         });
}

void SnapshotReader::readTokens(SQLite::Database& database) {
    grow("token", database,
         "SELECT row, run, sequence, turn, position, step, token, text, logprob, emitted_ns FROM token NOT "
         "INDEXED WHERE row > ? AND "
         "step >= 0 ORDER BY row",
         tokens_, [](RowReader& row) {
             return TokenRow{.run = row.key<RunIndex>(1),
                             .sequence = row.key<SequenceIndex>(2),
                             .turn = row.key<TurnIndex>(3),
                             .position = row.count(4),
                             .step = row.key<StepIndex>(5),
                             .token = row.key<TokenId>(6),
                             .text = row.string(7),
                             .logprob = static_cast<float>(row.real(8)),
                             .emitted = row.time(9)};
         });
}

// Version 1 had none.
void SnapshotReader::readFidelity(SQLite::Database& database) {
    if (version_ < 2) return;
    grow(
        "fidelity", database,
        "SELECT row, run, sequence, turn, step, kl, same_top, logprob_change FROM fidelity NOT INDEXED WHERE "
        "row > ? ORDER BY row",
        fidelity_, [](RowReader& row) {
            return FidelityRow{
                .run = row.key<RunIndex>(1),
                .sequence = row.key<SequenceIndex>(2),
                .turn = row.key<TurnIndex>(3),
                .step = row.key<StepIndex>(4),
                .fidelity = {
                    .kl = row.real(5), .sameTop = row.integer(6) != 0, .logprobChange = row.real(7)}};
        });
}

// Versions 1 and 2 had none.
void SnapshotReader::readEvaluations(SQLite::Database& database) {
    if (version_ < 3) return;
    grow("evaluation", database,
         "SELECT row, run, sequence, task, length, number, seed, scorer, score FROM evaluation NOT INDEXED "
         "WHERE row > ? ORDER BY row",
         evaluations_, [](RowReader& row) {
             EvaluationRow r{.run = row.key<RunIndex>(1),
                             .sequence = row.key<SequenceIndex>(2),
                             .task = row.string(3),
                             .length = row.count(4),
                             .number = row.count(5),
                             .seed = static_cast<std::uint64_t>(row.integer(6)),
                             .scorer = row.string(7),
                             .score = row.real(8)};
             if (!(r.score >= 0 && r.score <= 1)) row.markBad();  // a NaN too
             return r;
         });
}

void SnapshotReader::readLayerSteps(SQLite::Database& database) {
    // The rows of one step, -1 first. The newest step stays in the tail until a later one has begun, and every step of a
    // device's times until the device has gone past it.
    std::vector<LayerStepRow> tail;
    std::vector<LayerStepRow> step;
    std::int64_t badInStep = 0;
    std::int64_t badInTail = 0;
    Progress& progress = progress_["layer_step"];
    table(database, "layer_step", [&] {
        RowReader row(database,
                      "SELECT row, run, batch, turn, phase, step, layer, begin_ns, time_ns, router_ns, "
                      "attention_ns, time_source, "
                      "bytes_read, bytes_written, flops, bytes_source, cost_version FROM layer_step NOT "
                      "INDEXED WHERE row > ? ORDER BY row",
                      {progress.lastRow});
        for (std::int64_t last = progress.lastRow; row.next();) {
            const std::int64_t at = row.integer(0);
            if (at <= last) throw SQLite::Exception("its rows are out of order", SQLITE_CORRUPT);
            LayerStepRow r = parseLayerStep(row);
            const RunShape* shape = shapeOf(r.run);
            const bool isBad = row.isBad() || shape == nullptr || r.layer.value() >= shape->layers;
            if (!isBad && !step.empty() && stepKey(step.back()) != stepKey(r)) {
                const std::optional<std::int64_t> settled = shapeOf(step.back().run)->settled;
                if (tail.empty() && last <= settled.value_or(last)) {
                    for (LayerStepRow& ended : step) layerSteps_.append(std::move(ended));
                    settledBadSteps_ += std::exchange(badInStep, 0);
                    progress.lastRow = last;
                    grown_ = true;
                } else {
                    std::ranges::move(step, std::back_inserter(tail));
                    badInTail += std::exchange(badInStep, 0);
                }
                step.clear();
            }
            last = at;
            if (isBad) {
                ++badInStep;
            } else {
                const auto place = std::ranges::upper_bound(step, r.layer, {}, &LayerStepRow::layer);
                step.insert(place, std::move(r));
            }
        }
    });
    progress.badRows = settledBadSteps_ + badInTail + badInStep;
    std::ranges::move(step, std::back_inserter(tail));
    if (sameCosts(tail, layerSteps_.tail())) return;
    layerSteps_.setTail(std::move(tail));
    grown_ = true;
}

}  // namespace fluxscope
