#include "engine/ceilings/detail/streams.h"

#include "engine/contract/error.h"
#include "engine/transformer/threads.h"
#include "kernels/bandwidth/bandwidth.h"

#include <ATen/Parallel.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

namespace fluxscope {
namespace {

constexpr std::int64_t kFloat = sizeof(float);
constexpr std::int64_t kArrays = 3;
constexpr float kScale = 0.5F;

std::string mebibytes(std::int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Streams::Streams(const Compute& compute, const CeilingPlan& plan)
    : compute_(compute), count_(plan.arrayBytes / kFloat) {
    if (kArrays * plan.arrayBytes > compute_.freeBytes())
        throw MachineError{"ceilings", "",
                           "needs " + mebibytes(kArrays * plan.arrayBytes) + " of memory, and " +
                               mebibytes(compute_.freeBytes()) + " are free",
                           "close other programs"};
    const at::TensorOptions floats = at::TensorOptions().device(compute_.device).dtype(at::kFloat);
    a_ = at::full({count_}, 1.0, floats);
    b_ = at::full({count_}, 2.0, floats);
    to_ = at::full({count_}, 0.0, floats);
    if (compute_.isCuda()) parts_ = at::empty({kStreamBlocks}, floats.dtype(at::kLong));
}

std::vector<Repeated> Streams::all() { return {read(), copy(), triad()}; }

std::string Streams::arrays(int count, const char* by) const {
    std::string text = std::string(by) + ", " + std::to_string(count) +
                       (count == 1 ? " array of " : " arrays of ") + mebibytes(count_ * kFloat);
    if (!compute_.isCuda()) text += ", " + std::to_string(at::get_num_threads()) + " threads";
    return text;
}

Repeated Streams::read() {
    const auto once = [this] {
        const auto* words = reinterpret_cast<const std::uint64_t*>(a_.const_data_ptr<float>());
#ifdef FLUXSCOPE_CUDA
        if (compute_.isCuda())
            return sumCuda(words, count_ / 2,
                           reinterpret_cast<std::uint64_t*>(parts_.mutable_data_ptr<std::int64_t>()),
                           compute_.stream());
#endif
        sum_ += sumCpu(words, count_ / 2, onTorchThreads);
    };
    return {"read", arrays(1, "kernels/bandwidth"), count_ / 2 * 2 * kFloat, once};
}

Repeated Streams::copy() {
    const auto once = [this] {
        if (compute_.isCuda())
            to_.copy_(a_);
        else
            copyCpu(a_.const_data_ptr<float>(), count_, to_.mutable_data_ptr<float>(), onTorchThreads);
    };
    return {"copy", arrays(2, compute_.isCuda() ? "LibTorch" : "kernels/bandwidth"), 2 * count_ * kFloat,
            once};
}

Repeated Streams::triad() {
    const auto once = [this] {
        if (compute_.isCuda())
            at::add_out(to_, a_, b_, kScale);
        else
            triadCpu(a_.const_data_ptr<float>(), b_.const_data_ptr<float>(), kScale, count_,
                     to_.mutable_data_ptr<float>(), onTorchThreads);
    };
    return {"triad", arrays(3, compute_.isCuda() ? "LibTorch" : "kernels/bandwidth"), 3 * count_ * kFloat,
            once};
}

}  // namespace fluxscope
