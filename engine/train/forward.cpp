#include "engine/train/forward.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/silu.h>

#include <algorithm>

namespace fluxscope::train {
namespace {

at::Tensor product(const Linear& linear, const at::Tensor& x, at::ScalarType type) {
    const std::optional<at::Tensor> bias =
        linear.bias.defined() ? std::optional<at::Tensor>(linear.bias.to(type)) : std::nullopt;
    return at::linear(x.to(type), linear.weight.to(type), bias);
}

// The band of a rule, made where it is not there yet.
std::size_t bandFor(const BandRule& rule, LengthPlan& plan, std::vector<BandRule>& rules, at::Device device) {
    const auto found = std::find(rules.begin(), rules.end(), rule);
    if (found != rules.end()) return static_cast<std::size_t>(found - rules.begin());
    rules.push_back(rule);
    plan.bands.emplace_back(rule, plan.tokens, device);
    return rules.size() - 1;
}

}  // namespace

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
    return at::rms_norm(x.to(at::kFloat), weight.sizes(), weight.to(at::kFloat), eps);
}

Forward::Forward(const ModelConfig& config, const Weights& weights, const SparseForm& sparse,
                 at::ScalarType type)
    : config_(config), weights_(weights), sparse_(sparse), type_(type) {
    requireTrainable(sparse);
}

LengthPlan Forward::plan(std::int64_t tokens) const {
    LengthPlan plan;
    plan.tokens = tokens;
    const RotaryTable table = rotaryTable(config_.rope, config_.headDim, tokens, device());
    plan.rotary = table.rows(0, tokens);
    std::vector<BandRule> rules;
    for (std::int64_t i = 0; i < config_.layers; ++i) {
        const auto window = config_.slidingWindow(LayerIndex::of(i));
        plan.full.push_back(bandFor(fullRule(window), plan, rules, device()));
        plan.sparse.push_back(bandFor(sparseRule(sparse_, window), plan, rules, device()));
    }
    return plan;
}

at::Tensor Forward::embed(const at::Tensor& ids) const {
    return at::embedding(weights_.embedding, ids).to(at::kFloat);
}

LayerPass Forward::layer(std::int64_t layer, const at::Tensor& hidden, const LengthPlan& plan,
                         const MixOf& mix) const {
    const auto l = static_cast<std::size_t>(layer);
    const LayerWeights& w = weights_.layers[l];
    const std::int64_t batch = hidden.size(0);
    const std::int64_t tokens = hidden.size(1);
    const double eps = config_.normEps;
    const auto heads = [&](const Linear& linear, const at::Tensor& x, std::int64_t count) {
        return product(linear, x, type_).view({batch, tokens, count, config_.headDim});
    };

    // Brought to the products' type once for all of them.
    const at::Tensor x = rmsNorm(hidden, w.inputNorm, eps).to(type_);
    at::Tensor q = heads(w.q, x, config_.heads);    // [batch, tokens, heads, dim]
    at::Tensor k = heads(w.k, x, config_.kvHeads);  // [batch, tokens, kvHeads, dim]
    if (w.qNorm.defined()) {
        q = rmsNorm(q, w.qNorm, eps);
        k = rmsNorm(k, w.kNorm, eps);
    }
    LayerPass pass;
    if (mix) pass.mix = mix(q);

    const auto forAttention = [&](const at::Tensor& t) { return t.to(type_).transpose(1, 2); };
    q = forAttention(turned(q, plan.rotary));
    k = forAttention(turned(k, plan.rotary));
    const at::Tensor v = forAttention(heads(w.v, x, config_.kvHeads));
    at::Tensor attended = plan.bands[plan.full[l]].attend(q, k, v);  // [batch, heads, tokens, dim]
    if (mix && plan.sparse[l] != plan.full[l]) {
        const at::Tensor share = pass.mix.view({batch, 1, 1, 1}).to(type_);
        attended = share * attended + (1 - share) * plan.bands[plan.sparse[l]].attend(q, k, v);
    }
    const at::Tensor joined =
        attended.transpose(1, 2).reshape({batch, tokens, config_.heads * config_.headDim});
    pass.hidden = hidden + product(w.output, joined, type_);

    const at::Tensor y = rmsNorm(pass.hidden, w.postNorm, eps).to(type_);
    const at::Tensor inner = at::silu(product(w.gate, y, type_)) * product(w.up, y, type_);
    pass.hidden = pass.hidden + product(w.down, inner, type_);
    return pass;
}

at::Tensor Forward::logits(const at::Tensor& rows) const {
    return product(weights_.head, rmsNorm(rows, weights_.finalNorm, config_.normEps), type_).to(at::kFloat);
}

}  // namespace fluxscope::train
