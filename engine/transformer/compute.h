// Where a model computes, and in which type. The one place that turns LoadOptions into a device: everything below asks here.
#pragma once

#include "engine/engine.h"
#include "kernels/keys_values.h"

#include <ATen/core/Tensor.h>

#include <string>

namespace fluxscope {

struct Compute {
    at::Device device = at::kCPU;
    at::ScalarType type = at::kFloat;
    cost::DType costType = cost::DType::F32;

    bool isCuda() const { return device.is_cuda(); }
    at::TensorOptions options() const { return at::TensorOptions().device(device).dtype(type); }
    CudaStream stream() const;  // LibTorch's current one; nullptr on the CPU
    std::string deviceName() const;
    std::string typeName() const;
    std::int64_t freeBytes() const;  // of memory, where it computes, now
};

// `stored` is the checkpoint's own type. Throws MachineError when this build or machine has no such device.
Compute chooseCompute(const LoadOptions& options, cost::DType stored);

}  // namespace fluxscope
