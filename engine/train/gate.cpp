#include "engine/train/gate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fluxscope::train {

at::Tensor routerLogits(const RouterWeights& router, const at::Tensor& pooled) {
    const at::Tensor features = router.feature2(at::silu(router.feature0(pooled)));
    return router.head4(at::silu(router.head2(at::silu(router.head0(features)))));
}

at::Tensor pooledQueries(const at::Tensor& queries, const at::Tensor& pool) {
    const at::Tensor headMeans = at::mean(queries, {2}, false, at::kFloat);  // [batch, tokens, dim]
    return at::bmm(pool.unsqueeze(1), headMeans).squeeze(1);
}

at::Tensor gateOf(const at::Tensor& logits, const at::Tensor& noise, double temperature, Mixing mixing) {
    at::Tensor p = at::softmax((logits + noise) / temperature, -1).select(-1, 1);
    if (mixing == Mixing::Soft) return p;
    // The difference in brackets is exactly 0, so that the forward value is exactly 0 or 1.
    return (p > 0.5).to(p.scalar_type()) + (p - p.detach());
}

double Temperature::at(std::int64_t step, std::int64_t steps) const {
    const double whole = share * static_cast<double>(steps);
    const double done = whole > 0 ? std::min(1.0, static_cast<double>(step) / whole) : 1.0;
    const double left = cosine ? (1 + std::cos(std::numbers::pi * done)) / 2 : 1 - done;
    return last + (first - last) * left;
}

}  // namespace fluxscope::train
