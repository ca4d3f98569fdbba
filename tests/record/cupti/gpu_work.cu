#include "tests/record/cupti/gpu_work.h"

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace fluxscope::testing {
namespace {

// Not the default stream: that one cannot be captured.
cudaStream_t stream() {
    static cudaStream_t one = [] {
        cudaStream_t made = nullptr;
        cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking);
        return made;
    }();
    return one;
}

void require(cudaError_t error, const char* doing) {
    if (error != cudaSuccess) throw std::runtime_error(std::string(doing) + ": " + cudaGetErrorString(error));
}

__global__ void nothing() {}

__global__ void busy(long long nanoseconds) {
    unsigned long long begin = 0;
    unsigned long long now = 0;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begin));
    do {
        asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    } while (static_cast<long long>(now - begin) < nanoseconds);
}

__global__ void copy(float4* to, const float4* from, std::size_t count) {
    const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
    for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += stride)
        to[i] = from[i];
}

}  // namespace

bool hasGpu() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

void synchronize() { require(cudaDeviceSynchronize(), "synchronize"); }

void launchNothing() { nothing<<<1, 32, 0, stream()>>>(); }

void launchBusy(int microseconds) { busy<<<1, 32, 0, stream()>>>(1000LL * microseconds); }

void* deviceMemory(std::size_t bytes) {
    void* memory = nullptr;
    require(cudaMalloc(&memory, bytes), "cudaMalloc");
    require(cudaMemset(memory, 1, bytes), "cudaMemset");
    return memory;
}

void copyByKernel(void* to, const void* from, std::size_t bytes) {
    copy<<<132 * 16, 512, 0, stream()>>>(static_cast<float4*>(to), static_cast<const float4*>(from),
                                         bytes / sizeof(float4));
    require(cudaGetLastError(), "copy");
}

void fillAsync(void* at, std::size_t bytes) {
    require(cudaMemsetAsync(at, 0, bytes, stream()), "cudaMemsetAsync");
}

Graph::Graph(const std::function<void()>& record) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    require(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "capture");
    record();
    require(cudaStreamEndCapture(stream(), &graph), "capture");
    require(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
    executable_ = executable;
}

void Graph::launch() const {
    require(cudaGraphLaunch(static_cast<cudaGraphExec_t>(executable_), stream()), "cudaGraphLaunch");
}

}  // namespace fluxscope::testing
