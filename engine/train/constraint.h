// What holds each task's share of sparse layers at its target t while the routers learn: two Lagrange multipliers a task, which
// are raised by gradient ascent as long as the target is missed.
//
//   d = mean over the task's prompts and over layers of (1 - w), less t
//   Paper        lambda1 * d + lambda2 * d^2      both multipliers held at or above 0
//   Published    lambda1 * |d| + lambda2 * d^2    not held, as the published code has it
//
// Averaged over the tasks that the batch has. w is what mixed (gate.h): hard with a soft gradient, or soft.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace fluxscope::train {

enum class ConstraintForm : std::uint8_t { Paper, Published };

// gates [layers, batch], multipliers [tasks, 2], both fp32 on one device; `tasks` by prompt, `targets` by task.
at::Tensor penaltyOf(const at::Tensor& gates, const std::vector<std::int32_t>& tasks,
                     const std::vector<double>& targets, const at::Tensor& multipliers, ConstraintForm form);

// After an ascent. Of Published nothing is held.
void holdMultipliers(const at::Tensor& multipliers, ConstraintForm form);

}  // namespace fluxscope::train
