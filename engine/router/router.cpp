#include "engine/router/router.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/silu.h>

#include <algorithm>

namespace fluxscope {

std::optional<RouterLogits> PendingLogits::wait() const {
    if (!logits_.defined()) return std::nullopt;
    const at::Tensor host = logits_.to(at::kCPU).contiguous();
    const float* z = host.const_data_ptr<float>();
    // A one-logit head is a sigmoid: the same as two logits of which the other is 0.
    return host.numel() == 1 ? RouterLogits{.sparse = 0, .full = z[0]}
                             : RouterLogits{.sparse = z[0], .full = z[1]};
}

PendingLogits Router::start(LayerIndex layer, const at::Tensor& prompt, const Tracer& at) const {
    if (transformer_.weights().routers.empty()) return {};
    const RouterWeights& w = transformer_.weights().routers[static_cast<std::size_t>(layer.value())];
    const ModelConfig& config = transformer_.config();

    // In a prompt shorter than both ends together the overlap counts twice, as published.
    const std::int64_t tokens = prompt.size(0);
    const std::int64_t end = std::min(poolSize_, tokens);
    const at::Tensor ends =
        at::cat({prompt.slice(0, 0, end), prompt.slice(0, tokens - end)});  // [2P, hidden]
    const at::Tensor q = transformer_.routerQueries(layer, ends, at);       // [2P, heads, dim]

    const auto op = at.op(Op::Router, cost::RouterShape{.rows = 2 * end,
                                                        .heads = config.heads,
                                                        .dim = config.headDim,
                                                        .logits = w.head4.weight.size(0),
                                                        .weights = cost::DType::F32,
                                                        .activations = transformer_.compute().costType});
    const at::Tensor pooled = at::mean(q.to(at::kFloat), at::IntArrayRef({0, 1}));  // [dim]
    const at::Tensor features = w.feature2(at::silu(w.feature0(pooled)));           // [2 dim]
    return PendingLogits(w.head4(at::silu(w.head2(at::silu(w.head0(features))))));  // [2]
}

}  // namespace fluxscope
