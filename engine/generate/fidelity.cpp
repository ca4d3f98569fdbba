#include "engine/generate/fidelity.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

namespace fluxscope {
namespace {

// [rows, 4]: KL, both first choices, the change of the decoded token's log-probability.
at::Tensor compared(const at::Tensor& logits, const at::Tensor& full, const at::Tensor& decoded) {
    const at::Tensor p = at::log_softmax(full, -1, at::kDouble);    // [rows, vocabulary]
    const at::Tensor q = at::log_softmax(logits, -1, at::kDouble);  // [rows, vocabulary]
    const auto of = [&decoded](const at::Tensor& x) { return x.gather(1, decoded).squeeze(1); };
    return at::stack({p.exp().mul_(p.sub(q)).sum(-1), p.argmax(-1).to(at::kDouble),
                      q.argmax(-1).to(at::kDouble), of(q).sub(of(p))},
                     1);
}

}  // namespace

std::vector<FidelityStep> fidelityOf(const at::Tensor& logits, const at::Tensor& full,
                                     std::span<const TokenId> decoded) {
    std::vector<std::int64_t> ids;
    ids.reserve(decoded.size());
    for (const TokenId id : decoded) ids.push_back(id.value());
    const at::Tensor next =
        at::tensor(ids, at::TensorOptions().dtype(at::kLong)).to(full.device()).unsqueeze(1);
    const at::Tensor facts = compared(logits, full, next).to(at::kCPU).contiguous();
    std::vector<FidelityStep> steps;
    steps.reserve(decoded.size());
    const double* f = facts.const_data_ptr<double>();
    for (std::size_t i = 0; i < decoded.size(); ++i, f += 4)
        steps.push_back({.kl = f[0], .sameTop = f[1] == f[2], .logprobChange = f[3]});
    return steps;
}

}  // namespace fluxscope
