#include "profiler/store/detail/training_writer.h"

#include "profiler/store/detail/bind.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace fluxscope {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::optional<double> ifNumber(double value, bool applies = true) {
    if (!applies || std::isnan(value)) return std::nullopt;
    return value;
}

bool areNumbers(const TrainingStep& step) {
    const double all[] = {step.loss, step.penalty, step.learningRate, step.gradientNorm,
                          step.tokensPerSecond};
    return std::ranges::none_of(all, [](double value) { return std::isnan(value); });
}

}  // namespace

// As in RowWriter: a row whose key is there already is left out and counted.
TrainingWriter::TrainingWriter(SQLite::Database& database)
    : database_(database),
      training_(database,
                "INSERT INTO training (process, kind, model, plan, data, device, dtype, first_step, steps, "
                "layers, begin_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      task_(database,
            "INSERT INTO training_task (training, task, name, share, target) VALUES (?, ?, ?, ?, ?)"),
      step_(
          database,
          "INSERT INTO training_step (training, step, length, loss, penalty, learning_rate, gradient_norm, "
          "tokens_per_s, temperature, end_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
      taskStep_(
          database,
          "INSERT INTO training_task_step (training, step, task, loss, foretold, sparsity, lambda1, lambda2) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
      layerStep_(database,
                 "INSERT INTO training_layer_step (training, step, layer, p_full) VALUES (?, ?, ?, ?) ON "
                 "CONFLICT DO NOTHING"),
      warning_(database, "INSERT INTO training_warning (training, step, text) VALUES (?, ?, ?)"),
      end_(database, "UPDATE training SET end_ns = ?, outcome = ?, reason = ? WHERE training = ?") {}

template <class... Values>
bool TrainingWriter::insert(SQLite::Statement& statement, const Values&... values) {
    const bool isNew = execute(statement, values...) > 0;
    if (isNew)
        ++rows_;
    else
        ++repeated_;
    return isNew;
}

void TrainingWriter::begin(std::int64_t process, const TrainingBegan& training) {
    const TrainingFacts& facts = *training.facts;
    insert(training_, process, nameOf(facts.kind), facts.model, facts.plan, facts.data, facts.device,
           facts.dtype, facts.firstStep, facts.steps, facts.layers, training.at);
    current_ = database_.getLastInsertRowid();
    ofRouters_ = facts.kind == TrainingKind::Routers;
    tasks_ = facts.tasks.size();
    layers_ = static_cast<std::size_t>(std::max(facts.layers, 0));
    std::int64_t number = 0;
    for (const TrainingTask& task : facts.tasks) {
        insert(task_, current_, number++, task.name, task.share,
               ifNumber(task.target.value_or(kNone), ofRouters_));
    }
}

// SQLite keeps NaN as NULL, which a step's own columns cannot be. Such a step ends its training; it is told instead of drawn.
void TrainingWriter::add(const TrainingStepRecord& record) {
    const TrainingStep& step = record.step;
    if (!areNumbers(step)) {
        add(TrainingWarningRecord{step.step, "the step's loss or gradient is no number; it has no row"});
        return;
    }
    if (!insert(step_, current_, step.step, step.length, step.loss, step.penalty, step.learningRate,
                step.gradientNorm, step.tokensPerSecond, ifNumber(step.temperature, ofRouters_), record.at))
        return;
    addTasks(step);
    addLayers(step);
}

void TrainingWriter::addTasks(const TrainingStep& step) {
    for (std::size_t i = 0; i < std::min(tasks_, step.tasks.size()); ++i) {
        const TrainingTaskStep& task = step.tasks[i];
        const std::optional<double> loss = ifNumber(task.loss);
        const std::optional<double> sparsity = ifNumber(task.sparsity, ofRouters_);
        if (!loss && !sparsity) continue;  // the step had no prompt of it
        insert(taskStep_, current_, step.step, i, loss, ifNumber(task.right), sparsity,
               ifNumber(task.multipliers[0], ofRouters_), ifNumber(task.multipliers[1], ofRouters_));
    }
}

void TrainingWriter::addLayers(const TrainingStep& step) {
    if (!ofRouters_) return;
    for (std::size_t layer = 0; layer < std::min(layers_, step.fullByLayer.size()); ++layer) {
        if (const std::optional<double> full = ifNumber(step.fullByLayer[layer]))
            insert(layerStep_, current_, step.step, layer, *full);
    }
}

void TrainingWriter::add(const TrainingWarningRecord& record) {
    insert(warning_, current_, record.step, record.text);
}

void TrainingWriter::end(const TrainingEnded& training) {
    insert(end_, training.at, nameOf(training.outcome), training.reason, current_);
}

}  // namespace fluxscope
