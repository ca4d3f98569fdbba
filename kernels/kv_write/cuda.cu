// A block a row: its threads carry 16 bytes each where the row allows it, else one element.
#include "kernels/kv_write/kv_write.h"

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace fluxscope {
namespace {

constexpr int kThreads = 128;

void requireLaunched(const char* kernel) {
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
        throw std::runtime_error(std::string(kernel) + ": " + cudaGetErrorString(error));
}

// The first entry of a sequence belongs to layer 0; its thread tells the position before anybody else could have grown it,
// because each entry is grown by its own thread alone.
__global__ void beginStepKernel(KvTableShape s, KvSlot* table, std::int64_t* positions) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (i >= s.layers * s.sequences * s.kvHeads) return;
    const std::int64_t before = table[i].length;
    if (i < s.sequences * s.kvHeads && i % s.kvHeads == 0) positions[i / s.kvHeads] = before;
    table[i].length = before + 1;
}

template <class T>
__global__ void kvWriteKernel(KvWriteShape s, const T* k, const T* v, const KvSlot* table) {
    const std::int64_t n = blockIdx.x / s.kvHeads;
    const std::int64_t h = blockIdx.x % s.kvHeads;
    const KvSlot entry = table[blockIdx.x];
    const std::int64_t position = entry.length - 1;
    const std::int64_t slot = slotOf(position, entry.capacity, entry.sink) * s.dim;
    const std::int64_t undo = position % kUndoSlots * s.dim;
    for (std::int64_t d = threadIdx.x; d < s.dim; d += kThreads) {
        static_cast<T*>(entry.undoK)[undo + d] = static_cast<T*>(entry.k)[slot + d];
        static_cast<T*>(entry.undoV)[undo + d] = static_cast<T*>(entry.v)[slot + d];
        static_cast<T*>(entry.k)[slot + d] = k[n * s.kStride + h * s.dim + d];
        static_cast<T*>(entry.v)[slot + d] = v[n * s.vStride + h * s.dim + d];
    }
}

template <class T>
void launch(KvWriteShape s, const void* k, const void* v, const KvSlot* table, CudaStream stream) {
    const std::int64_t elements = static_cast<std::int64_t>(sizeof(T)) / cost::bytesOf(s.type);
    s.dim /= elements;
    s.kStride /= elements;
    s.vStride /= elements;
    kvWriteKernel<T><<<static_cast<unsigned>(s.sequences * s.kvHeads), kThreads, 0, stream>>>(
        s, static_cast<const T*>(k), static_cast<const T*>(v), table);
}

}  // namespace

void beginStepCuda(const KvTableShape& s, KvSlot* table, std::int64_t* positions, CudaStream stream) {
    const std::int64_t entries = s.layers * s.sequences * s.kvHeads;
    if (entries == 0) return;
    beginStepKernel<<<static_cast<unsigned>((entries + kThreads - 1) / kThreads), kThreads, 0, stream>>>(
        s, table, positions);
    requireLaunched("begin step");
}

void kvWriteCuda(const KvWriteShape& s, const void* k, const void* v, const KvSlot* table,
                 CudaStream stream) {
    if (s.sequences == 0) return;
    const std::int64_t wide = 16 / cost::bytesOf(s.type);
    const bool aligned =
        reinterpret_cast<std::uintptr_t>(k) % 16 == 0 && reinterpret_cast<std::uintptr_t>(v) % 16 == 0;
    if (aligned && s.dim % wide == 0 && s.kStride % wide == 0 && s.vStride % wide == 0)
        launch<uint4>(s, k, v, table, stream);
    else if (s.type == cost::DType::F32)
        launch<float>(s, k, v, table, stream);
    else
        launch<std::uint16_t>(s, k, v, table, stream);
    requireLaunched("kv write");
}

}  // namespace fluxscope
