#include "profiler/analysis/training_curves.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace fluxscope {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

bool areOfOnePlan(const TrainingFacts& a, const TrainingFacts& b) {
    return a.kind == b.kind && a.model == b.model && a.plan == b.plan && a.data == b.data &&
           a.steps == b.steps && a.layers == b.layers && a.tasks.size() == b.tasks.size();
}

const TrainingRow* rowOf(const Snapshot& snapshot, TrainingIndex training) {
    const auto found = std::ranges::find(snapshot.trainings, training, &TrainingRow::training);
    return found == snapshot.trainings.end() ? nullptr : &*found;
}

// Where [first, last) of the steps lies among the columns; outside: absent.
std::optional<std::size_t> columnAt(double step, double first, double last, std::size_t columns) {
    if (!(step >= first && step < last)) return std::nullopt;
    // Multiplied first: a step a column is exact then.
    const double at = (step - first) * static_cast<double>(columns) / (last - first);
    return std::min(static_cast<std::size_t>(at + 1e-9), columns - 1);
}

// Positions of the steps within [first, last).
std::pair<std::size_t, std::size_t> within(const std::vector<std::int64_t>& steps, double first,
                                           double last) {
    const auto from =
        std::ranges::lower_bound(steps, first, {}, [](std::int64_t s) { return static_cast<double>(s); });
    const auto to =
        std::ranges::lower_bound(steps, last, {}, [](std::int64_t s) { return static_cast<double>(s); });
    return {static_cast<std::size_t>(from - steps.begin()), static_cast<std::size_t>(to - steps.begin())};
}

// Which row's step counts: the latest part that has it.
std::vector<const TrainingStepRow*> stepsOf(const Snapshot& snapshot, const TrainingParts& parts) {
    std::map<std::int64_t, std::pair<std::size_t, const TrainingStepRow*>> latest;
    snapshot.trainingSteps.each([&](const TrainingStepRow& row) {
        const auto part = std::ranges::find(parts.rows, row.training);
        if (part == parts.rows.end()) return;
        const auto number = static_cast<std::size_t>(part - parts.rows.begin());
        auto& known = latest[row.step];
        if (known.second == nullptr || known.first <= number) known = {number, &row};
    });
    std::vector<const TrainingStepRow*> rows;
    rows.reserve(latest.size());
    for (const auto& [step, row] : latest) rows.push_back(row.second);
    return rows;
}

void addStep(TrainingCurves& curves, const TrainingStepRow& row) {
    curves.steps.push_back(row.step);
    curves.length.push_back(static_cast<double>(row.length));
    curves.loss.push_back(row.loss);
    curves.penalty.push_back(row.penalty);
    curves.learningRate.push_back(row.learningRate);
    curves.gradientNorm.push_back(row.gradientNorm);
    curves.tokensPerSecond.push_back(row.tokensPerSecond);
    curves.temperature.push_back(row.temperature);
    for (TaskCurves& task : curves.tasks)
        for (Curve* curve : {&task.loss, &task.foretold, &task.sparsity, &task.lambda1, &task.lambda2})
            curve->push_back(kNone);
    for (const TrainingTaskStepRow& part : row.tasks) {
        if (part.task < 0 || static_cast<std::size_t>(part.task) >= curves.tasks.size()) continue;
        TaskCurves& task = curves.tasks[static_cast<std::size_t>(part.task)];
        task.loss.back() = part.loss;
        task.foretold.back() = part.right;
        task.sparsity.back() = part.sparsity;
        task.lambda1.back() = part.multipliers[0];
        task.lambda2.back() = part.multipliers[1];
    }
    const std::size_t begin = curves.full.size();
    curves.full.resize(begin + static_cast<std::size_t>(curves.layers),
                       std::numeric_limits<float>::quiet_NaN());
    for (const TrainingLayerStepRow& layer : row.layers)
        if (layer.layer.value() >= 0 && layer.layer.value() < curves.layers)
            curves.full[begin + static_cast<std::size_t>(layer.layer.value())] = layer.full;
}

}  // namespace

std::vector<TrainingParts> joinedTrainings(const Snapshot& snapshot) {
    std::map<TrainingIndex, std::int64_t> lastSteps;
    snapshot.trainingSteps.each([&](const TrainingStepRow& row) {
        std::int64_t& last = lastSteps.try_emplace(row.training, row.step).first->second;
        last = std::max(last, row.step);
    });
    std::vector<TrainingParts> joined;
    for (const TrainingRow& row : snapshot.trainings) {
        // The one that it went on from is the last that fits.
        const auto former =
            std::ranges::find_if(joined.rbegin(), joined.rend(), [&](const TrainingParts& parts) {
                if (row.facts.firstStep == 0) return false;
                const TrainingRow& end = *rowOf(snapshot, parts.rows.back());
                const auto last = lastSteps.find(end.training);
                const std::int64_t behind = last == lastSteps.end() ? end.facts.firstStep : last->second + 1;
                return areOfOnePlan(end.facts, row.facts) &&
                       row.facts.firstStep >= rowOf(snapshot, parts.first())->facts.firstStep &&
                       row.facts.firstStep <= behind;
            });
        if (former == joined.rend())
            joined.push_back({{row.training}});
        else
            former->rows.push_back(row.training);
    }
    return joined;
}

std::size_t TrainingCurves::nearest(double step) const {
    const auto behind =
        std::ranges::lower_bound(steps, step, {}, [](std::int64_t s) { return static_cast<double>(s); });
    if (behind == steps.begin()) return 0;
    const auto at = static_cast<std::size_t>(behind - steps.begin());
    if (behind == steps.end()) return at - 1;
    return static_cast<double>(*behind) - step < step - static_cast<double>(steps[at - 1]) ? at : at - 1;
}

TrainingCurves trainingCurves(const Snapshot& snapshot, const TrainingParts& parts) {
    TrainingCurves curves;
    std::vector<const TrainingRow*> rows;
    for (const TrainingIndex training : parts.rows)
        if (const TrainingRow* row = rowOf(snapshot, training)) rows.push_back(row);
    if (rows.empty()) return curves;
    const TrainingFacts& facts = rows.front()->facts;
    curves.kind = facts.kind;
    curves.model = facts.model;
    curves.device = rows.back()->facts.device;
    curves.dtype = facts.dtype;
    curves.planned = facts.steps;
    curves.outcome = rows.back()->outcome;
    curves.reason = rows.back()->reason;
    curves.layers = curves.ofRouters() ? facts.layers : 0;
    for (const TrainingTask& task : facts.tasks)
        curves.tasks.push_back({.name = task.name, .share = task.share, .target = task.target});
    for (const TrainingRow* row : rows) {
        const std::int64_t first = row->facts.firstStep;
        if (row != rows.front()) {
            curves.resumedAt.push_back(first);
            std::erase_if(curves.warnings, [first](const TrainingWarningRow& w) { return w.step >= first; });
        }
        curves.warnings.insert(curves.warnings.end(), row->warnings.begin(), row->warnings.end());
    }
    std::ranges::stable_sort(curves.warnings, {}, &TrainingWarningRow::step);
    for (const TrainingStepRow* row : stepsOf(snapshot, parts)) addStep(curves, *row);
    return curves;
}

std::vector<CurveColumn> thinned(const std::vector<std::int64_t>& steps, const Curve& curve, double firstStep,
                                 double lastStep, std::size_t columns) {
    std::vector<CurveColumn> thin(columns);
    if (columns == 0 || !(lastStep > firstStep)) return thin;
    std::vector<double> sums(columns);
    std::vector<std::size_t> counts(columns);
    const auto [from, to] = within(steps, firstStep, lastStep);
    for (std::size_t i = from; i < to && i < curve.size(); ++i) {
        const double value = curve[i];
        const auto column = columnAt(static_cast<double>(steps[i]), firstStep, lastStep, columns);
        if (!column || !std::isfinite(value)) continue;
        CurveColumn& into = thin[*column];
        into.low = into.empty() ? value : std::min(into.low, value);
        into.high = counts[*column] == 0 ? value : std::max(into.high, value);
        sums[*column] += value;
        ++counts[*column];
    }
    for (std::size_t c = 0; c < columns; ++c)
        if (counts[c] > 0) thin[c].mean = sums[c] / static_cast<double>(counts[c]);
    return thin;
}

std::vector<float> thinnedLayers(const TrainingCurves& curves, double firstStep, double lastStep,
                                 std::size_t columns) {
    const auto layers = static_cast<std::size_t>(curves.layers);
    std::vector<float> thin(columns * layers, std::numeric_limits<float>::quiet_NaN());
    if (thin.empty() || !(lastStep > firstStep)) return thin;
    std::vector<double> sums(columns * layers);
    std::vector<std::int32_t> counts(columns * layers);
    const auto [from, to] = within(curves.steps, firstStep, lastStep);
    for (std::size_t i = from; i < to; ++i) {
        const auto column = columnAt(static_cast<double>(curves.steps[i]), firstStep, lastStep, columns);
        if (!column) continue;
        for (std::size_t layer = 0; layer < layers; ++layer) {
            const float full = curves.full[i * layers + layer];
            if (!std::isfinite(full)) continue;
            sums[*column * layers + layer] += static_cast<double>(full);
            ++counts[*column * layers + layer];
        }
    }
    for (std::size_t i = 0; i < thin.size(); ++i)
        if (counts[i] > 0) thin[i] = static_cast<float>(sums[i] / counts[i]);
    return thin;
}

Curve smoothed(const std::vector<std::int64_t>& steps, const Curve& curve, double window) {
    Curve smooth(curve.size(), kNone);
    double sum = 0;
    double weight = 0;
    std::optional<std::int64_t> last;
    for (std::size_t i = 0; i < curve.size(); ++i) {
        if (!std::isfinite(curve[i])) continue;
        const double keeps =
            last && window > 0 ? std::exp(-static_cast<double>(steps[i] - *last) / window) : 0;
        sum = keeps * sum + curve[i];
        weight = keeps * weight + 1;
        smooth[i] = sum / weight;
        last = steps[i];
    }
    return smooth;
}

double smoothingWindow(const TrainingCurves& curves) {
    if (curves.empty()) return 5;
    return std::max(5.0, static_cast<double>(curves.steps.back() - curves.steps.front() + 1) / 50);
}

}  // namespace fluxscope
