#include "engine/transformer/compute.h"

#include "engine/contract/error.h"

#ifdef FLUXSCOPE_CUDA
#include <ATen/Context.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace fluxscope {
namespace {

at::ScalarType scalarTypeOf(cost::DType type) {
    switch (type) {
        case cost::DType::F32: return at::kFloat;
        case cost::DType::F16: return at::kHalf;
        case cost::DType::BF16: return at::kBFloat16;
    }
    return at::kFloat;
}

void requireCuda() {
#ifdef FLUXSCOPE_CUDA
    if (c10::cuda::device_count() == 0)
        throw MachineError("--device cuda", "", "finds no usable NVIDIA GPU",
                           "check the driver with fluxscope-cli doctor, or use --device cpu");
    if (!at::hasCUDA())
        throw MachineError("--device cuda", "", "finds LibTorch's CUDA libraries not loaded",
                           "install the cuda flavour, or use --device cpu");
#else
    throw MachineError("--device cuda", "", "is not in this build, which was made without CUDA",
                       "build with FLUXSCOPE_CUDA=1, or use --device cpu");
#endif
}

}  // namespace

CudaStream Compute::stream() const {
#ifdef FLUXSCOPE_CUDA
    if (isCuda()) return c10::cuda::getCurrentCUDAStream(device.index()).stream();
#endif
    return nullptr;
}

std::string Compute::deviceName() const { return device.str(); }

std::string Compute::typeName() const {
    switch (costType) {
        case cost::DType::F32: return "fp32";
        case cost::DType::F16: return "fp16";
        case cost::DType::BF16: return "bf16";
    }
    return "fp32";
}

Compute chooseCompute(const LoadOptions& options, cost::DType stored) {
    Compute compute;
    if (options.device == DeviceKind::Cuda) {
        requireCuda();
        compute.device = at::Device(at::kCUDA, 0);
        compute.costType = options.dtype.value_or(stored);
    } else {
        // Weights of 16 bits are widened when they are read; the CPU kernels compute in fp32.
        compute.costType = options.dtype.value_or(cost::DType::F32);
        if (compute.costType != cost::DType::F32)
            throw MachineError("--dtype", "", "asks for 16-bit numbers, which the CPU does not compute in",
                               "use --dtype fp32 or --device cuda");
    }
    compute.type = scalarTypeOf(compute.costType);
    return compute;
}

}  // namespace fluxscope
