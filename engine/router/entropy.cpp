#include "engine/router/entropy.h"

#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/linspace.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace fluxscope {

double truncatedEntropy(std::span<const double> eigenvalues, std::int64_t largest) {
    std::vector<double> sorted(eigenvalues.begin(), eigenvalues.end());
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    double trace = 0;
    for (const double value : sorted) trace += std::max(value, 0.0);
    if (trace == 0) return 0;
    double entropy = 0;
    for (std::int64_t n = 0; n < std::min(largest, std::ssize(sorted)); ++n) {
        const double share = sorted[static_cast<std::size_t>(n)] / trace;
        if (share > 0) entropy -= share * std::log(share);
    }
    return entropy;
}

double truncatedMatrixEntropy(const at::Tensor& hidden, std::int64_t eigenvalues) {
    at::Tensor x = hidden;
    if (x.size(0) > kEntropyRows) {
        const auto spread = at::TensorOptions().dtype(at::kDouble).device(x.device());
        x = x.index_select(
            0,
            at::linspace(0, static_cast<double>(x.size(0) - 1), kEntropyRows, spread).round().to(at::kLong));
    }
    x = x.to(at::kDouble);
    const at::Tensor gram = x.size(0) <= x.size(1) ? x.matmul(x.t()) : x.t().matmul(x);
    if (!std::isfinite(gram.trace().item<double>())) return std::numeric_limits<double>::quiet_NaN();
    // On the CPU always: the matrix is small, and LibTorch's CUDA decompositions are a library of their own.
    const at::Tensor values = at::linalg_eigvalsh(gram.to(at::kCPU)).contiguous();
    return truncatedEntropy({values.const_data_ptr<double>(), static_cast<std::size_t>(values.numel())},
                            eigenvalues);
}

}  // namespace fluxscope
