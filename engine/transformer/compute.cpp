#include "engine/transformer/compute.h"

#include "engine/contract/error.h"

#ifdef FLUXSCOPE_CUDA
#include <ATen/Context.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

#include <fstream>
#include <limits>
#include <sstream>

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

// MemAvailable, which counts in what the system would give back. Where nobody says, everything is allowed.
std::int64_t freeHostBytes() {
    std::ifstream in("/proc/meminfo");
    std::string name;
    std::int64_t kibibytes = 0;
    for (std::string line; std::getline(in, line);)
        if (std::istringstream words(line); words >> name >> kibibytes && name == "MemAvailable:")
            return kibibytes * 1024;
    return std::numeric_limits<std::int64_t>::max();
}

#ifdef FLUXSCOPE_CUDA
// What the driver has left, and what LibTorch holds without using it.
std::int64_t freeDeviceBytes(c10::DeviceIndex device) {
    const c10::cuda::CUDAGuard guard(device);
    std::size_t free = 0;
    std::size_t total = 0;
    if (cudaMemGetInfo(&free, &total) != cudaSuccess) return 0;
    c10::cuda::CUDACachingAllocator::CUDAAllocator& allocator = *c10::cuda::CUDACachingAllocator::get();
    if (!allocator.initialized())
        return static_cast<std::int64_t>(free);  // before the first tensor it has no devices to ask
    const auto stats = allocator.getDeviceStats(device);
    constexpr auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    return static_cast<std::int64_t>(free) + stats.reserved_bytes[all].current -
           stats.allocated_bytes[all].current;
}
#endif

}  // namespace

CudaStream Compute::stream() const {
#ifdef FLUXSCOPE_CUDA
    if (isCuda()) return c10::cuda::getCurrentCUDAStream(device.index()).stream();
#endif
    return nullptr;
}

std::int64_t Compute::freeBytes() const {
#ifdef FLUXSCOPE_CUDA
    if (isCuda()) return freeDeviceBytes(device.index());
#endif
    return freeHostBytes();
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
        // LibTorch multiplies matrices of halves on a CPU many times slower than those of bf16 or fp32.
        compute.costType = options.dtype.value_or(cost::DType::F32);
        if (compute.costType == cost::DType::F16)
            throw MachineError("--dtype", "", "asks for fp16, which the CPU does not compute in",
                               "use --dtype fp32 or bf16, or --device cuda");
    }
    compute.type = scalarTypeOf(compute.costType);
    return compute;
}

}  // namespace fluxscope
