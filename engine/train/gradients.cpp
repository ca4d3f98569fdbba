#include "engine/train/gradients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>

namespace fluxscope::train {
namespace {

constexpr std::int64_t kLogits = std::int64_t{1} << 26;  // at a time

struct HeadPass {
    at::Tensor gradient;                // of the last hidden states
    std::vector<float> crossEntropies;  // by row of the batch
    std::vector<float> right;           // 1: the target was the most probable token
};

// Of a batch's rows, on the device, a part of them at a time.
struct HeadRows {
    at::Tensor hidden;  // [prompts * tokens, hidden]
    at::Tensor rows, targets;
    std::int64_t part = 0;

    HeadRows(const Forward& forward, const at::Tensor& of, const Batch& batch)
        : hidden(of.view({-1, of.size(2)})),
          rows(at::tensor(batch.rows, at::kLong).to(of.device())),
          targets(at::tensor(batch.targets, at::kLong).to(of.device())),
          part(std::max<std::int64_t>(64, kLogits / forward.config().vocabulary)) {}
};

std::vector<float> onHost(const std::vector<at::Tensor>& parts) {
    const at::Tensor all = at::cat(parts).to(at::kFloat).cpu().contiguous();
    return {all.const_data_ptr<float>(), all.const_data_ptr<float>() + all.numel()};
}

std::vector<double> rightByTask(const Batch& batch, const std::vector<float>& right, std::size_t tasks) {
    std::vector<double> sums(tasks);
    std::vector<double> counts(tasks);
    for (std::size_t i = 0; i < right.size(); ++i) {
        if (batch.heaviest[i] == 0) continue;
        sums[static_cast<std::size_t>(batch.rowTask[i])] += right[i];
        counts[static_cast<std::size_t>(batch.rowTask[i])] += 1;
    }
    for (std::size_t task = 0; task < tasks; ++task)
        sums[task] = counts[task] > 0 ? sums[task] / counts[task] : std::numeric_limits<double>::quiet_NaN();
    return sums;
}

at::Tensor leafOf(const at::Tensor& value, bool required) { return value.detach().requires_grad_(required); }

HeadPass head(const Forward& forward, const at::Tensor& hidden, const Batch& batch) {
    const HeadRows all(forward, hidden, batch);
    const at::Tensor coefficients = at::tensor(batch.coefficients, at::kFloat).to(hidden.device());
    HeadPass pass{.gradient = at::zeros_like(all.hidden), .crossEntropies = {}, .right = {}};
    std::vector<at::Tensor> losses, right;
    for (std::int64_t begin = 0; begin < all.rows.size(0); begin += all.part) {
        const std::int64_t end = std::min(all.rows.size(0), begin + all.part);
        const at::Tensor index = all.rows.slice(0, begin, end);
        const at::Tensor targets = all.targets.slice(0, begin, end);
        const at::Tensor x = leafOf(at::index_select(all.hidden, 0, index), true);
        const c10::AutoGradMode recorded(true);
        const at::Tensor logits = forward.logits(x);
        const at::Tensor each = at::cross_entropy_loss(logits, targets, {}, at::Reduction::None);
        at::sum(each * coefficients.slice(0, begin, end)).backward();
        const c10::NoGradGuard noGradient;
        pass.gradient.index_copy_(0, index, x.grad());
        losses.push_back(each.detach());
        right.push_back(at::eq(at::argmax(logits.detach(), -1), targets));
    }
    pass.crossEntropies = onHost(losses);
    pass.right = onHost(right);
    pass.gradient = pass.gradient.view(hidden.sizes());
    return pass;
}

StepLoss lossOf(const Batch& batch, const HeadPass& pass, std::size_t tasks) {
    StepLoss loss{.lossByTask = std::vector<double>(tasks),
                  .weightByTask = std::vector<double>(tasks),
                  .rightByTask = rightByTask(batch, pass.right, tasks)};
    for (std::size_t i = 0; i < pass.crossEntropies.size(); ++i) {
        const auto task = static_cast<std::size_t>(batch.rowTask[i]);
        const double each = pass.crossEntropies[i];
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
                      const Routing* routing, std::size_t tasks, bool recompute) {
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

    const bool embeds = forward.weights().embedding.requires_grad();
    std::vector<at::Tensor> hidden = {forward.embed(batch.ids)};
    std::vector<at::Tensor> gates;
    std::vector<LayerPass> kept;  // with what their gradients take
    for (std::int64_t l = 0; l < layers; ++l) {
        if (!recompute) hidden.back() = leafOf(hidden.back(), l > 0 || embeds);
        LayerPass pass;
        {
            const c10::AutoGradMode recorded(!recompute);
            pass = layerAt(l, hidden.back());
        }
        hidden.push_back(pass.hidden.detach());
        if (routing != nullptr) gates.push_back(pass.mix.detach());
        if (!recompute) kept.push_back(std::move(pass));
    }

    const HeadPass top = head(forward, hidden.back(), batch);
    hidden.pop_back();
    StepLoss loss = lossOf(batch, top, tasks);
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
    for (std::int64_t l = layers - 1; l >= 0; --l) {
        const at::Tensor in = recompute ? leafOf(hidden.back(), l > 0 || embeds) : hidden.back();
        hidden.pop_back();
        const c10::AutoGradMode recorded(true);
        LayerPass pass;
        if (recompute) {
            pass = layerAt(l, in);
        } else {
            pass = std::move(kept.back());
            kept.pop_back();
        }
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

std::vector<double> rightWhenFull(const Forward& forward, const LengthPlan& plan, const Batch& batch,
                                  std::size_t tasks) {
    const c10::NoGradGuard noGradient;
    at::Tensor hidden = forward.embed(batch.ids);
    for (std::int64_t l = 0; l < forward.config().layers; ++l)
        hidden = forward.layer(l, hidden, plan, {}).hidden;
    const HeadRows all(forward, hidden, batch);
    std::vector<at::Tensor> right;
    for (std::int64_t begin = 0; begin < all.rows.size(0); begin += all.part) {
        const std::int64_t end = std::min(all.rows.size(0), begin + all.part);
        const at::Tensor x = at::index_select(all.hidden, 0, all.rows.slice(0, begin, end));
        right.push_back(at::eq(at::argmax(forward.logits(x), -1), all.targets.slice(0, begin, end)));
    }
    return rightByTask(batch, onHost(right), tasks);
}

}  // namespace fluxscope::train
