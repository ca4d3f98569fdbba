#include "engine/ceilings/detail/products.h"

#include "engine/transformer/threads.h"
#include "kernels/cost/linear.h"
#include "kernels/matmul/matmul.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>

#include <array>

namespace fluxscope {

std::vector<Repeated> productsOf(const Compute& compute, std::int64_t side) {
    const at::TensorOptions options = compute.options();
    const at::Tensor x = at::randn({side, side}, options.dtype(at::kFloat)).to(compute.type);
    const at::Tensor weight = at::randn({side, side}, options.dtype(at::kFloat)).to(compute.type);
    const at::Tensor out = at::empty({side, side}, options);
    const std::int64_t flops =
        cost::costOf(cost::LinearShape{.rows = side, .inputs = side, .outputs = side}).flops;
    const std::string edge = std::to_string(side);
    std::string size = ", " + edge + " x " + edge + " x " + edge;
    if (!compute.isCuda()) size += ", " + std::to_string(at::get_num_threads()) + " threads";

    // Both as the engine's linear layers have it: the weight's rows are the outputs.
    std::vector<Repeated> ways;
    ways.push_back({compute.typeName(), "LibTorch" + size, flops, [x, weight, out] {
                        at::Tensor into = out;
                        at::mm_out(into, x, weight.t());
                    }});
    if (!compute.isCuda() && compute.type == at::kFloat)
        ways.push_back({compute.typeName(), "kernels/matmul" + size, flops, [x, weight, out, side] {
                            const std::array matrices{Matmul{.weight = weight.const_data_ptr<float>(),
                                                             .out = out.mutable_data_ptr<float>(),
                                                             .outputs = side}};
                            matmulCpu({.rows = side, .inputs = side}, x.const_data_ptr<float>(), matrices,
                                      onTorchThreads);
                        }});
    return ways;
}

}  // namespace fluxscope
