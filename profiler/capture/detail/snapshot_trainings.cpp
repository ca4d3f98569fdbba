// Trainings: what each is, read whole at each poll, and its steps, read from the one reached last time.
//
// A step's tasks and layers lie in tables of their own in the order of its key: they are joined to the new steps in one pass.
#include "profiler/capture/detail/snapshot_limits.h"
#include "profiler/capture/detail/snapshot_reader.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

namespace fluxscope {
namespace {

using snapshot::kMostLayers;
using snapshot::Rising;

constexpr std::int64_t kMostSteps = 1'000'000'000;
constexpr std::size_t kMostTasks = 256;

double numberOrNan(const RowReader& row, int column) {
    return row.isNull(column) ? std::numeric_limits<double>::quiet_NaN() : row.real(column);
}

// Of a column that is NOT NULL where the schema is ours.
double number(RowReader& row, int column) {
    if (row.isNull(column)) row.markBad();
    return row.real(column);
}

TrainingKind kindIn(RowReader& row, int column) {
    for (const TrainingKind kind : {TrainingKind::Routers, TrainingKind::Backbone}) {
        if (row.text(column) == nameOf(kind)) return kind;
    }
    row.markBad();
    return TrainingKind::Backbone;
}

std::pair<std::int64_t, std::int64_t> keyOf(const TrainingStepRow& step) {
    return {step.training.value(), step.step};
}

}  // namespace

TrainingRow* SnapshotReader::trainingOf(TrainingIndex training) {
    const auto found = std::ranges::lower_bound(trainings_, training, {}, &TrainingRow::training);
    return found == trainings_.end() || found->training != training ? nullptr : &*found;
}

// Before version 3 there were none.
void SnapshotReader::readTrainings(SQLite::Database& database, std::uint64_t& digest) {
    trainings_.clear();
    if (version_ < 3) return;
    table(database, "training", [&] {
        std::int64_t& bad = progress_["training"].badRows;
        bad = 0;
        RowReader row(database,
                      "SELECT training, process, kind, model, plan, data, device, dtype, first_step, steps, "
                      "layers, begin_ns, end_ns, outcome, reason FROM training ORDER BY training");
        for (Rising<TrainingIndex> rising; row.next();) {
            TrainingRow training{
                .training = row.key<TrainingIndex>(0),
                .process = row.key<ProcessIndex>(1),
                .facts = {.kind = kindIn(row, 2),
                          .model = row.string(3),
                          .plan = row.string(4),
                          .data = row.string(5),
                          .device = row.string(6),
                          .dtype = row.string(7),
                          .firstStep = row.integer(8, 0, kMostSteps),
                          .steps = row.integer(9, 0, kMostSteps),
                          .layers = static_cast<std::int32_t>(row.integer(10, 0, kMostLayers)),
                          .tasks = {}},
                .begin = row.time(11),
                .end = {},
                .outcome = {},
                .reason = row.string(14),
                .warnings = {}};
            if (!row.isNull(12)) training.end = row.time(12);
            if (!row.isNull(13)) training.outcome = row.string(13);
            rising.require(training.training);
            row.digestInto(digest);
            if (row.isBad())
                ++bad;
            else
                trainings_.push_back(std::move(training));
        }
    });
    readTrainingTasks(database, digest);
    readTrainingWarnings(database, digest);
}

void SnapshotReader::readTrainingTasks(SQLite::Database& database, std::uint64_t& digest) {
    table(database, "training_task", [&] {
        std::int64_t& bad = progress_["training_task"].badRows;
        bad = 0;
        RowReader row(
            database,
            "SELECT training, task, name, share, target FROM training_task ORDER BY training, task");
        for (Rising<std::pair<TrainingIndex, std::int64_t>> rising; row.next();) {
            const auto key = std::pair(row.key<TrainingIndex>(0), row.integer(1));
            rising.require(key);
            row.digestInto(digest);
            TrainingTask task{.name = row.string(2), .share = number(row, 3), .target = {}};
            if (!row.isNull(4)) task.target = row.real(4);
            TrainingRow* training = trainingOf(key.first);
            // A task is known by its position.
            if (row.isBad() || training == nullptr || training->facts.tasks.size() >= kMostTasks ||
                key.second != std::ssize(training->facts.tasks))
                ++bad;
            else
                training->facts.tasks.push_back(std::move(task));
        }
    });
}

void SnapshotReader::readTrainingWarnings(SQLite::Database& database, std::uint64_t& digest) {
    table(database, "training_warning", [&] {
        std::int64_t& bad = progress_["training_warning"].badRows;
        bad = 0;
        RowReader row(database, "SELECT row, training, step, text FROM training_warning ORDER BY row");
        for (Rising<std::int64_t> rising; row.next();) {
            rising.require(row.integer(0));
            row.digestInto(digest);
            TrainingWarningRow warning{.step = row.integer(2, 0, kMostSteps), .text = row.string(3)};
            TrainingRow* training = trainingOf(row.key<TrainingIndex>(1));
            if (row.isBad() || training == nullptr)
                ++bad;
            else
                training->warnings.push_back(std::move(warning));
        }
    });
}

// `take` adds the row to its step, or says that it does not fit.
template <class Take>
void SnapshotReader::readPartsOfSteps(SQLite::Database& database, const char* name, const char* sql,
                                      std::vector<TrainingStepRow>& steps, Take take) {
    Progress& progress = progress_[name];
    if (!progress.damage.empty()) return;  // what came before the damage has been read
    std::int64_t badBehind = 0;
    table(database, name, [&] {
        auto step = steps.begin();
        RowReader row(database, sql, {lastTrainingStep_.first, lastTrainingStep_.second});
        for (Rising<std::tuple<std::int64_t, std::int64_t, std::int64_t>> rising; row.next();) {
            const auto key = std::pair(row.integer(0), row.integer(1));
            rising.require({key.first, key.second, row.integer(2)});
            while (step != steps.end() && keyOf(*step) < key) ++step;
            if (step == steps.end()) {
                ++badBehind;
            } else if (keyOf(*step) != key || !take(row, *step)) {
                ++progress.badRows;
            }
        }
    });
    const std::int64_t change = badBehind - std::exchange(progress.badBehind, badBehind);
    progress.badRows += change;
    grown_ |= change != 0;
}

void SnapshotReader::readTrainingSteps(SQLite::Database& database) {
    if (version_ < 3) return;
    std::vector<TrainingStepRow> steps;
    table(database, "training_step", [&] {
        Progress& progress = progress_["training_step"];
        RowReader row(database,
                      "SELECT row, training, step, length, loss, penalty, learning_rate, gradient_norm, "
                      "tokens_per_s, temperature, end_ns FROM training_step NOT INDEXED WHERE row > ? ORDER "
                      "BY row",
                      {progress.lastRow});
        for (auto last = lastTrainingStep_; row.next();) {
            const std::int64_t at = row.integer(0);
            if (at <= progress.lastRow) throw SQLite::Exception("its rows are out of order", SQLITE_CORRUPT);
            progress.lastRow = at;
            grown_ = true;
            TrainingStepRow step{.training = row.key<TrainingIndex>(1),
                                 .step = row.integer(2, 0, kMostSteps),
                                 .length = row.count(3),
                                 .loss = number(row, 4),
                                 .penalty = number(row, 5),
                                 .learningRate = number(row, 6),
                                 .gradientNorm = number(row, 7),
                                 .tokensPerSecond = number(row, 8),
                                 .temperature = numberOrNan(row, 9),
                                 .end = row.time(10),
                                 .tasks = {},
                                 .layers = {}};
            const TrainingRow* training = trainingOf(step.training);
            if (row.isBad() || training == nullptr || step.step < training->facts.firstStep ||
                step.step >= training->facts.steps || keyOf(step) <= last) {
                ++progress.badRows;
                continue;
            }
            last = keyOf(step);
            steps.push_back(std::move(step));
        }
    });
    readPartsOfSteps(database, "training_task_step",
                     "SELECT training, step, task, loss, foretold, sparsity, lambda1, lambda2 FROM "
                     "training_task_step WHERE "
                     "(training, step) > (?, ?) ORDER BY training, step, task",
                     steps, [this](RowReader& row, TrainingStepRow& step) {
                         const std::int64_t tasks = std::ssize(trainingOf(step.training)->facts.tasks);
                         const TrainingTaskStepRow task{
                             .task = static_cast<std::int32_t>(row.integer(2, 0, tasks - 1)),
                             .loss = numberOrNan(row, 3),
                             .right = numberOrNan(row, 4),
                             .sparsity = numberOrNan(row, 5),
                             .multipliers = {numberOrNan(row, 6), numberOrNan(row, 7)}};
                         if (!row.isBad()) step.tasks.push_back(task);
                         return !row.isBad();
                     });
    readPartsOfSteps(
        database, "training_layer_step",
        "SELECT training, step, layer, p_full FROM training_layer_step WHERE (training, step) > (?, ?) ORDER "
        "BY training, step, layer",
        steps, [this](RowReader& row, TrainingStepRow& step) {
            const std::int64_t layers = trainingOf(step.training)->facts.layers;
            const auto layer = LayerIndex::of(row.integer(2, 0, layers - 1));
            const double full = number(row, 3);
            if (!(full >= 0 && full <= 1)) row.markBad();
            if (!row.isBad()) step.layers.push_back({layer, static_cast<float>(full)});
            return !row.isBad();
        });
    if (!steps.empty()) lastTrainingStep_ = keyOf(steps.back());
    for (TrainingStepRow& step : steps) trainingSteps_.append(std::move(step));
}

}  // namespace fluxscope
