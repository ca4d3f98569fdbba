#include "engine/router/router.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/silu.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>

namespace fluxscope {

RouterLogits routerLogitsOf(const float* row, std::int64_t logits) {
    return logits == 1 ? RouterLogits{.sparse = 0, .full = row[0]}
                       : RouterLogits{.sparse = row[0], .full = row[1]};
}

std::optional<RouterLogits> PendingLogits::wait() const {
    if (!logits_.defined()) return std::nullopt;
    if (arrived_) arrived_->synchronize();
    return routerLogitsOf(logits_.const_data_ptr<float>(), logits_.numel());
}

Router::Router(const Transformer& transformer, std::int64_t poolSize, std::int64_t sequences)
    : transformer_(transformer), poolSize_(poolSize) {
    if (present() && transformer.compute().isCuda())
        arrivals_ =
            at::empty({layers(), sequences, 2}, at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
}

at::Tensor Router::logits(LayerIndex layer, const at::Tensor& pooled) const {
    const RouterWeights& w = transformer_.weights().routers[static_cast<std::size_t>(layer.value())];
    const at::Tensor features = w.feature2(at::silu(w.feature0(pooled)));  // [..., 2 dim]
    return w.head4(at::silu(w.head2(at::silu(w.head0(features)))));
}

PendingLogits Router::start(LayerIndex layer, const at::Tensor& prompt, const Tracer& at,
                            std::int64_t slot) const {
    if (!present()) return {};
    const ModelConfig& config = transformer_.config();

    // In a prompt shorter than both ends together the overlap counts twice, as published.
    const std::int64_t tokens = prompt.size(0);
    const std::int64_t end = std::min(poolSize_, tokens);
    const at::Tensor ends =
        at::cat({prompt.slice(0, 0, end), prompt.slice(0, tokens - end)});  // [2P, hidden]
    const at::Tensor q = transformer_.routerQueries(layer, ends, at);       // [2P, heads, dim]

    const auto& last = transformer_.weights().routers[static_cast<std::size_t>(layer.value())].head4;
    const auto op = at.op(Op::Router, cost::RouterShape{.rows = 2 * end,
                                                        .heads = config.heads,
                                                        .dim = config.headDim,
                                                        .logits = last.weight.size(0),
                                                        .weights = cost::DType::F32,
                                                        .activations = transformer_.compute().costType});
    const at::Tensor headMeans = at::mean(q.to(at::kFloat), 1);         // [2P, dim]
    const at::Tensor computed = logits(layer, at::mean(headMeans, 0));  // [2] or [1]
    if (!arrivals_.defined()) return {computed.contiguous(), std::nullopt, headMeans};

    const at::Tensor arriving = arrivals_[layer.value()][slot].slice(0, 0, computed.numel());
    arriving.copy_(computed, true);
    const at::Device device = transformer_.compute().device;
    c10::Event arrived(device.type());
    arrived.record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
    return {arriving, std::move(arrived), headMeans};
}

}  // namespace fluxscope
