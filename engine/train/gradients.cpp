#include "engine/train/gradients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace fluxscope::train {
namespace {

constexpr std::int64_t kLogits = std::int64_t{1} << 26;  // at a time

struct HeadPass {
    at::Tensor gradient;                // of the last hidden states
    std::vector<float> crossEntropies;  // by row of the batch
};

at::Tensor leafOf(const at::Tensor& value, bool required) { return value.detach().requires_grad_(required); }

HeadPass head(const Forward& forward, const at::Tensor& hidden, const Batch& batch) {
    const at::Tensor flat = hidden.view({-1, hidden.size(2)});
    const at::Tensor rows = at::tensor(batch.rows, at::kLong).to(flat.device());
    const at::Tensor targets = at::tensor(batch.targets, at::kLong).to(flat.device());
    const at::Tensor coefficients = at::tensor(batch.coefficients, at::kFloat).to(flat.device());
    const std::int64_t part = std::max<std::int64_t>(64, kLogits / forward.config().vocabulary);
    HeadPass pass{.gradient = at::zeros_like(flat), .crossEntropies = {}};
    std::vector<at::Tensor> losses;
    for (std::int64_t begin = 0; begin < rows.size(0); begin += part) {
        const std::int64_t end = std::min(rows.size(0), begin + part);
        const at::Tensor index = rows.slice(0, begin, end);
        const at::Tensor x = leafOf(at::index_select(flat, 0, index), true);
        const c10::AutoGradMode recorded(true);
        const at::Tensor each =
            at::cross_entropy_loss(forward.logits(x), targets.slice(0, begin, end), {}, at::Reduction::None);
        at::sum(each * coefficients.slice(0, begin, end)).backward();
        const c10::NoGradGuard noGradient;
        pass.gradient.index_copy_(0, index, x.grad());
        losses.push_back(each.detach());
    }
    const at::Tensor all = at::cat(losses).cpu().contiguous();
    pass.crossEntropies.assign(all.const_data_ptr<float>(), all.const_data_ptr<float>() + all.numel());
    pass.gradient = pass.gradient.view(hidden.sizes());
    return pass;
}

StepLoss lossOf(const Batch& batch, const std::vector<float>& crossEntropies, std::size_t tasks) {
    StepLoss loss{.lossByTask = std::vector<double>(tasks), .weightByTask = std::vector<double>(tasks)};
    for (std::size_t i = 0; i < crossEntropies.size(); ++i) {
        const auto task = static_cast<std::size_t>(batch.rowTask[i]);
        const double each = crossEntropies[i];
        loss.loss += batch.coefficients[i] * each;
        loss.lossByTask[task] += batch.weights[i] * each;
        loss.weightByTask[task] += batch.weights[i];
    }
    for (std::size_t task = 0; task < tasks; ++task)
        if (loss.weightByTask[task] > 0) loss.lossByTask[task] /= loss.weightByTask[task];
    return loss;
}

}  // namespace

StepLoss addGradients(const Forward& forward, const LengthPlan& plan, const Batch& batch,
                      const Routing* routing, std::size_t tasks) {
    const c10::NoGradGuard noGradient;
    const std::int64_t layers = forward.config().layers;
    const auto layerAt = [&](std::int64_t l, const at::Tensor& hidden) {
        if (routing == nullptr) return forward.layer(l, hidden, plan, {});
        return forward.layer(l, hidden, plan, [&](const at::Tensor& queries) {
            const RouterWeights& router = forward.weights().routers[static_cast<std::size_t>(l)];
            return gateOf(routerLogits(router, pooledQueries(queries, batch.pool)), routing->noise[l],
                          routing->temperature, routing->mixing);
        });
    };

    std::vector<at::Tensor> hidden = {forward.embed(batch.ids)};
    std::vector<at::Tensor> gates;
    for (std::int64_t l = 0; l < layers; ++l) {
        LayerPass pass = layerAt(l, hidden.back());
        hidden.push_back(std::move(pass.hidden));
        if (routing != nullptr) gates.push_back(std::move(pass.mix));
    }

    const HeadPass top = head(forward, hidden.back(), batch);
    hidden.pop_back();
    StepLoss loss = lossOf(batch, top.crossEntropies, tasks);
    at::Tensor gateGradients;
    if (routing != nullptr) {
        const at::Tensor mixed = leafOf(at::stack(gates), true);
        const c10::AutoGradMode recorded(true);
        const at::Tensor penalty =
            penaltyOf(mixed, batch.task, routing->targets, routing->multipliers, routing->form);
        penalty.backward();
        loss.penalty = penalty.item<double>();
        loss.gates = mixed.detach().cpu();
        gateGradients = mixed.grad();
    }

    at::Tensor gradient = top.gradient;
    const bool embeds = forward.weights().embedding.requires_grad();
    for (std::int64_t l = layers - 1; l >= 0; --l) {
        const at::Tensor in = leafOf(hidden.back(), l > 0 || embeds);
        hidden.pop_back();
        const c10::AutoGradMode recorded(true);
        const LayerPass pass = layerAt(l, in);
        // A product with the gradient that came from above is the way to hand it on to two results at once.
        at::Tensor objective = at::sum(pass.hidden * gradient);
        if (routing != nullptr) objective = objective + at::sum(pass.mix * gateGradients[l]);
        objective.backward();
        gradient = in.grad();
    }
    if (embeds) {
        const c10::AutoGradMode recorded(true);
        at::sum(forward.embed(batch.ids) * gradient).backward();
    }
    return loss;
}

}  // namespace fluxscope::train
