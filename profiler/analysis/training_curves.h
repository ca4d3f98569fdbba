// A training as curves over its steps.
//
// What was stopped and went on from a checkpoint lies in several rows of the capture: they are one training here. Where steps were done
// again after a kill, those of the later row count.
#pragma once

#include "profiler/capture/snapshot.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

// Rows of the capture that are one training, in the order in which they went on.
struct TrainingParts {
    std::vector<TrainingIndex> rows;

    TrainingIndex first() const { return rows.front(); }
};

// A row belongs to the one before it that it went on from: of the same kind, model, plan and data, and its first step lies within that
// one's or right behind it. Ordered by their first rows.
std::vector<TrainingParts> joinedTrainings(const Snapshot& snapshot);

// A value a step, as TrainingCurves::steps has them; NaN: none.
using Curve = std::vector<double>;

struct TaskCurves {
    std::string name;
    double share = 0;
    std::optional<double> target;
    Curve loss;
    Curve foretold;  // of answers' tokens (of plain text: of all) the share
    Curve sparsity;
    Curve lambda1;
    Curve lambda2;
};

struct TrainingCurves {
    TrainingKind kind = TrainingKind::Backbone;
    std::string model;
    std::string device;
    std::string dtype;
    std::int64_t planned = 0;            // steps of the whole plan
    std::optional<std::string> outcome;  // of the last part; absent: it goes on, or was lost
    std::string reason;
    std::vector<std::int64_t> resumedAt;       // steps
    std::vector<TrainingWarningRow> warnings;  // by step; of steps that were done again, the later ones

    std::vector<std::int64_t> steps;  // rising; not each of the plan's has to be there
    Curve length;
    Curve loss;
    Curve penalty;
    Curve learningRate;
    Curve gradientNorm;
    Curve tokensPerSecond;
    Curve temperature;  // of routers only, as is what follows
    std::vector<TaskCurves> tasks;
    std::int32_t layers = 0;
    std::vector<float> full;  // steps × layers: the mean weight of full attention; NaN: not told

    bool empty() const { return steps.empty(); }
    bool ofRouters() const { return kind == TrainingKind::Routers; }
    float fullAt(std::size_t step, std::int32_t layer) const {
        return full[step * static_cast<std::size_t>(layers) + static_cast<std::size_t>(layer)];
    }
    // The position in `steps` of the step nearest to this one. Not of an empty training.
    std::size_t nearest(double step) const;
};

TrainingCurves trainingCurves(const Snapshot& snapshot, const TrainingParts& parts);

// What is drawn within a pixel's width: nothing of a spike is lost.
struct CurveColumn {
    double low = std::numeric_limits<double>::quiet_NaN();
    double high = std::numeric_limits<double>::quiet_NaN();
    double mean = std::numeric_limits<double>::quiet_NaN();

    bool empty() const { return !(low <= high); }
    friend bool operator==(const CurveColumn&, const CurveColumn&) = default;
};

// `columns` equal parts of [firstStep, lastStep); a step belongs to the part that it begins in. Values that are no finite number are
// left out.
std::vector<CurveColumn> thinned(const std::vector<std::int64_t>& steps, const Curve& curve, double firstStep,
                                 double lastStep, std::size_t columns);

// The mean weight of full attention in each part and layer: columns × layers; NaN where there is none.
std::vector<float> thinnedLayers(const TrainingCurves& curves, double firstStep, double lastStep,
                                 std::size_t columns);

// An exponential moving average whose memory is `window` steps; it starts at the first value, not at 0. Where the curve has no value the
// average has none either.
Curve smoothed(const std::vector<std::int64_t>& steps, const Curve& curve, double window);

// A fiftieth of what is there, and no less than five steps.
double smoothingWindow(const TrainingCurves& curves);

}  // namespace fluxscope
