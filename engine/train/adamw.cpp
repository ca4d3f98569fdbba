#include "engine/train/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

namespace fluxscope::train {

AdamW::AdamW(Parameters parameters, const AdamWOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
    const c10::NoGradGuard noGradient;
    for (const Parameter& parameter : parameters_) {
        first_.push_back(at::zeros_like(parameter.value));
        second_.push_back(at::zeros_like(parameter.value));
        steps_.push_back(at::zeros({}, parameter.value.options().dtype(at::kFloat)));
    }
}

void AdamW::step(double rate) {
    const c10::NoGradGuard noGradient;
    for (const bool decays : {true, false}) {
        std::vector<at::Tensor> values, gradients, first, second, steps;
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            const Parameter& parameter = parameters_[i];
            if (parameter.decays != decays || !parameter.value.grad().defined()) continue;
            values.push_back(parameter.value);
            gradients.push_back(parameter.value.grad());
            first.push_back(first_[i]);
            second.push_back(second_[i]);
            steps.push_back(steps_[i]);
        }
        if (values.empty()) continue;
        for (const at::Tensor& count : steps) count.add_(1);
        at::_fused_adamw_(values, gradients, first, second, {}, steps, rate, options_.beta1, options_.beta2,
                          decays ? options_.decay : 0.0, options_.epsilon, /*amsgrad=*/false,
                          options_.ascends);
    }
    forgetGradients();
}

void AdamW::forgetGradients() {
    for (const Parameter& parameter : parameters_) parameter.value.mutable_grad() = at::Tensor{};
}

double AdamW::clip(double most) {
    const c10::NoGradGuard noGradient;
    at::Tensor squares;
    for (const Parameter& parameter : parameters_) {
        const at::Tensor& gradient = parameter.value.grad();
        if (!gradient.defined()) continue;
        const at::Tensor square = at::sum(gradient * gradient);
        squares = squares.defined() ? squares + square : square;
    }
    if (!squares.defined()) return 0;
    const double norm = at::sqrt(squares).item<double>();
    if (most > 0 && norm > most)
        for (const Parameter& parameter : parameters_)
            if (parameter.value.grad().defined()) parameter.value.mutable_grad().mul_(most / norm);
    return norm;
}

Parameters AdamW::state() const {
    Parameters state;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        state.push_back({.name = "adamw.first." + parameters_[i].name, .value = first_[i]});
        state.push_back({.name = "adamw.second." + parameters_[i].name, .value = second_[i]});
        state.push_back({.name = "adamw.steps." + parameters_[i].name, .value = steps_[i]});
    }
    return state;
}

}  // namespace fluxscope::train
