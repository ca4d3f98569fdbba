#include "engine/generate/fidelity.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sum.h>

namespace fluxscope {

std::vector<FidelityStep> fidelityOf(const at::Tensor& logits, const at::Tensor& full,
                                     std::span<const TokenId> decoded) {
    std::vector<FidelityStep> steps;
    steps.reserve(decoded.size());
    for (std::size_t i = 0; i < decoded.size(); ++i) {
        const auto row = static_cast<std::int64_t>(i);
        const at::Tensor p = at::log_softmax(full[row], -1, at::kDouble);    // [vocabulary]
        const at::Tensor q = at::log_softmax(logits[row], -1, at::kDouble);  // [vocabulary]
        const std::int64_t id = decoded[i].value();
        const at::Tensor facts = at::stack({at::sum(p.exp().mul(p.sub(q))), p.argmax().to(at::kDouble),
                                            q.argmax().to(at::kDouble), q[id].sub(p[id])})
                                     .to(at::kCPU);
        const double* f = facts.const_data_ptr<double>();
        steps.push_back({.kl = f[0], .sameTop = f[1] == f[2], .logprobChange = f[3]});
    }
    return steps;
}

}  // namespace fluxscope
