#include "engine/router/probe.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace fluxscope {

RouterProbe::RouterProbe(const Router& router, const std::vector<PromptEnds>& sequences) : router_(router) {
    const at::Tensor& some = sequences.front().headMeans.front();
    const std::int64_t pool = router.poolSize();
    const std::int64_t dim = some.size(1);
    const std::int64_t count = std::ssize(sequences);
    const at::TensorOptions whole = some.options().dtype(at::kLong);
    firstSum_ = at::zeros({router.layers(), count, dim}, some.options());
    ring_ = at::zeros({router.layers(), count * pool, dim}, some.options());
    bases_ = at::arange(count, whole).mul(pool);

    std::vector<std::int64_t> tokens;
    for (std::int64_t s = 0; s < count; ++s) {
        const PromptEnds& prompt = sequences[static_cast<std::size_t>(s)];
        tokens.push_back(prompt.tokens);
        const std::int64_t end = std::min(pool, prompt.tokens);
        const at::Tensor rows =
            at::arange(prompt.tokens - end, prompt.tokens, whole).remainder(pool).add(s * pool);
        for (std::int64_t l = 0; l < router.layers(); ++l) {
            const at::Tensor& means = prompt.headMeans[static_cast<std::size_t>(l)];  // [2 end, dim]
            firstSum_[l][s].copy_(means.slice(0, 0, end).sum(0));
            ring_[l].index_copy_(0, rows, means.slice(0, end));
        }
    }
    seen_ = at::empty({count}, at::kLong);
    std::copy(tokens.begin(), tokens.end(), seen_.mutable_data_ptr<std::int64_t>());
    seen_ = seen_.to(some.device());
    slots_ = at::empty({count}, whole);
    inFirst_ = at::empty({count, 1}, some.options());
    place();
}

void RouterProbe::place() {
    slots_.copy_(seen_.remainder(router_.poolSize()).add(bases_));
    inFirst_.copy_(seen_.lt(router_.poolSize()).unsqueeze(1));
}

void RouterProbe::push(LayerIndex layer, const at::Tensor& queries) {
    const at::Tensor rows =
        at::mean(queries.slice(0, 0, seen_.size(0)).to(at::kFloat), 1);  // [sequences, dim]
    ring_[layer.value()].index_copy_(0, slots_, rows);
    firstSum_[layer.value()].addcmul_(rows, inFirst_);
    if (layer.value() + 1 < router_.layers()) return;
    seen_.add_(1);
    place();
}

std::vector<std::vector<RouterLogits>> RouterProbe::logits() const {
    const std::int64_t count = seen_.size(0);
    const at::Tensor lastSum = ring_.view({router_.layers(), count, router_.poolSize(), -1}).sum(2);
    const at::Tensor end = seen_.clamp_max(router_.poolSize()).to(at::kFloat).unsqueeze(1);  // [sequences, 1]
    const at::Tensor pooled = firstSum_.add(lastSum).div(end.mul(2));  // [layers, sequences, dim]
    std::vector<at::Tensor> computed;
    for (std::int64_t l = 0; l < router_.layers(); ++l)
        computed.push_back(router_.logits(LayerIndex::of(l), pooled[l]));
    const at::Tensor host = at::stack(computed).to(at::kCPU).contiguous();  // [layers, sequences, 2 or 1]

    const float* row = host.const_data_ptr<float>();
    std::vector<std::vector<RouterLogits>> all(computed.size());
    for (std::vector<RouterLogits>& layer : all)
        for (std::int64_t s = 0; s < count; ++s, row += host.size(2))
            layer.push_back(routerLogitsOf(row, host.size(2)));
    return all;
}

Decision reconsidered(const Policy& policy, LayerIndex layer, const Decision& current,
                      const RouterLogits& logits, bool act) {
    Decision now = current;
    now.by = DecidedBy::Probe;
    now.logits = logits;
    const auto* routed = std::get_if<RoutedPolicy>(&policy.kind());
    if (!routed) return now;
    now.threshold = routed->thresholdOf(layer);
    if (act && marginOf(logits, *now.threshold) <= 0) now.attention = Attention::Sparse;
    return now;
}

}  // namespace fluxscope
