#include "engine/train/constraint.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

namespace fluxscope::train {

at::Tensor penaltyOf(const at::Tensor& gates, const std::vector<std::int32_t>& tasks,
                     const std::vector<double>& targets, const at::Tensor& multipliers, ConstraintForm form) {
    const at::Tensor sparse = 1 - at::mean(gates, 0);  // [batch]
    at::Tensor sum = at::zeros({}, gates.options());
    std::int64_t present = 0;
    for (std::size_t task = 0; task < targets.size(); ++task) {
        std::vector<std::int64_t> prompts;
        for (std::size_t i = 0; i < tasks.size(); ++i)
            if (tasks[i] == static_cast<std::int32_t>(task)) prompts.push_back(static_cast<std::int64_t>(i));
        if (prompts.empty()) continue;
        ++present;
        const at::Tensor index = at::tensor(prompts, at::kLong).to(gates.device());
        const at::Tensor d = at::mean(sparse.index_select(0, index)) - targets[task];
        const at::Tensor lambda = multipliers.select(0, static_cast<std::int64_t>(task));
        const at::Tensor first = form == ConstraintForm::Paper ? d : at::abs(d);
        sum = sum + lambda.select(0, 0) * first + lambda.select(0, 1) * d * d;
    }
    return present == 0 ? sum : sum / present;
}

void holdMultipliers(const at::Tensor& multipliers, ConstraintForm form) {
    const c10::NoGradGuard noGradient;
    if (form == ConstraintForm::Paper) multipliers.clamp_min_(0);
}

}  // namespace fluxscope::train
