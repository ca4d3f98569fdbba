// Snapshots of trainings, built row by row: as the script of tests/record has them, or by hand.
#pragma once

#include "profiler/analysis/training_curves.h"
#include "profiler/capture/snapshot.h"
#include "tests/record/scripted_training.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope::testing {

inline TrainingStepRow rowOf(TrainingIndex training, const TrainingStep& step) {
    TrainingStepRow row{.training = training,
                        .step = step.step,
                        .length = step.length,
                        .loss = step.loss,
                        .penalty = step.penalty,
                        .learningRate = step.learningRate,
                        .gradientNorm = step.gradientNorm,
                        .tokensPerSecond = step.tokensPerSecond,
                        .temperature = step.temperature,
                        .end = Nanoseconds(step.step),
                        .tasks = {},
                        .layers = {}};
    for (std::size_t i = 0; i < step.tasks.size(); ++i) {
        const TrainingTaskStep& task = step.tasks[i];
        if (!std::isnan(task.loss))
            row.tasks.push_back(
                {static_cast<std::int32_t>(i), task.loss, task.right, task.sparsity, task.multipliers});
    }
    for (std::size_t i = 0; i < step.fullByLayer.size(); ++i)
        row.layers.push_back({LayerIndex::of(i), static_cast<float>(step.fullByLayer[i])});
    return row;
}

class TrainingBuilder {
public:
    TrainingBuilder& plan(std::string plan) {
        plan_ = std::move(plan);
        return *this;
    }
    TrainingBuilder& data(std::string data) {
        data_ = std::move(data);
        return *this;
    }
    // The next one, with the script's steps up to `upTo`.
    TrainingBuilder& training(const TrainingScript& script, std::int64_t upTo) {
        TrainingRow row;
        row.training = TrainingIndex::of(trainings_.size() + 1);
        row.facts = trainingFactsOf(script);
        if (!plan_.empty()) row.facts.plan = plan_;
        if (!data_.empty()) row.facts.data = data_;
        for (std::int64_t step = script.firstStep; step < upTo; ++step)
            steps_.push_back(testing::rowOf(row.training, trainingStepOf(script, step)));
        trainings_.push_back(std::move(row));
        return *this;
    }
    // Of the last one: steps with these losses and nothing else.
    TrainingBuilder& losses(const std::vector<double>& losses) {
        std::int64_t step = trainings_.back().facts.firstStep;
        for (const double loss : losses) {
            TrainingStepRow row;
            row.training = trainings_.back().training;
            row.step = step++;
            row.loss = loss;
            row.temperature = std::numeric_limits<double>::quiet_NaN();
            steps_.push_back(row);
        }
        return *this;
    }
    TrainingBuilder& task(std::int64_t step, std::int32_t task, double loss, double sparsity) {
        of(step).tasks.push_back({task, loss, 1 - loss / 10, sparsity, {0, 0}});
        return *this;
    }
    TrainingBuilder& layer(std::int64_t step, std::int32_t layer, float full) {
        of(step).layers.push_back({LayerIndex(layer), full});
        return *this;
    }
    TrainingBuilder& warns(std::int64_t step, std::string text) {
        trainings_.back().warnings.push_back({step, std::move(text)});
        return *this;
    }
    TrainingBuilder& ends(std::string outcome, std::string reason = {}) {
        trainings_.back().outcome = std::move(outcome);
        trainings_.back().reason = std::move(reason);
        trainings_.back().end = Nanoseconds(1);
        return *this;
    }

    Snapshot build() const {
        Snapshot snapshot;
        snapshot.file = "/captures/training.fluxdb";
        snapshot.generation = 1;
        snapshot.trainings = trainings_;
        snapshot.trainingSteps =
            Chunks<TrainingStepRow>({std::make_shared<const std::vector<TrainingStepRow>>(steps_)});
        return snapshot;
    }

private:
    TrainingStepRow& of(std::int64_t step) {
        for (TrainingStepRow& row : steps_)
            if (row.training == trainings_.back().training && row.step == step) return row;
        return steps_.back();
    }

    std::string plan_, data_;
    std::vector<TrainingRow> trainings_;
    std::vector<TrainingStepRow> steps_;
};

// The curves of the script's training, with a kill and two warnings.
inline TrainingCurves trainingOf(TrainingScript script, std::int64_t upTo) {
    TrainingBuilder builder;
    const std::int64_t killed = upTo / 2;
    builder.training(script, killed);
    if (killed > 4) {
        builder.warns(3, "tasks 'code' and 'prose' cannot be told apart");
        script.firstStep = killed - 2;
        builder.training(script, upTo)
            .warns(upTo - 2, "task 'prose' goes one way only: every layer is sparse");
    } else {
        builder = {};
        builder.training(script, upTo);
    }
    builder.ends("finished");
    const Snapshot snapshot = builder.build();
    return trainingCurves(snapshot, joinedTrainings(snapshot).front());
}

}  // namespace fluxscope::testing
