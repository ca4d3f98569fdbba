// The gradients of one step: loss of the next tokens, and while routers learn the penalty of missed sparsity targets.
//
// The hidden states between the layers are kept and a layer's insides are computed again when its gradient is wanted, so that
// memory is one layer's and not the model's: a third more work. The logits are computed for the rows that count, in parts.
//
//   forward    hidden[0] = embed;  hidden[l + 1], w[l] = layer(l, hidden[l])          nothing is recorded
//   head       d loss / d hidden[L]
//   penalty    d penalty / d w[l], from all w together
//   backward   for l = L-1 .. 0: layer l again, recorded, from both gradients to those of its parameters and of hidden[l]
#pragma once

#include "engine/train/constraint.h"
#include "engine/train/forward.h"
#include "engine/train/gate.h"
#include "engine/train/sample.h"

namespace fluxscope::train {

struct Routing {
    at::Tensor noise;  // [layers, batch, 2]
    double temperature = 1;
    Mixing mixing = Mixing::StraightThrough;
    std::vector<double> targets;  // by task: the share of sparse layers
    at::Tensor multipliers;       // [tasks, 2]
    ConstraintForm form = ConstraintForm::Paper;
};

struct StepLoss {
    double loss = 0;                 // of the next tokens
    double penalty = 0;              // of the targets
    std::vector<double> lossByTask;  // 0 where `weightByTask` is
    std::vector<double> weightByTask;
    std::vector<double>
        rightByTask;   // of the heaviest tokens, the share that was most probable; NaN: it had none
    at::Tensor gates;  // [layers, batch] on the host: w; undefined without routing
};

// Adds to the gradients of every parameter that requires one. `routing`: nullptr for all layers full. `recompute`: layer by layer on
// the way back, for a memory that does not grow with their number.
StepLoss addGradients(const Forward& forward, const LengthPlan& plan, const Batch& batch,
                      const Routing* routing, std::size_t tasks, bool recompute = true);

// rightByTask with all layers full, without any gradient.
std::vector<double> rightWhenFull(const Forward& forward, const LengthPlan& plan, const Batch& batch,
                                  std::size_t tasks);

}  // namespace fluxscope::train
