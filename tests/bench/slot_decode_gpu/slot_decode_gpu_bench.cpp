// Microseconds and GB/s of decode attention on this machine's GPU: 32 query heads, 8 KV heads, bf16, as in an 8B model.
//
//   build/release/tests/bin/slot-decode-gpu-bench --benchmark_counters_tabular=true
//
// What is timed is a graph of as many layers as hold 256 MB and more, each with slots of its own: a single layer would be read
// from the L2 cache. Times are the GPU's own, per layer; GB/s counts the used keys and values alone.
#include "kernels/slot_decode/slot_decode.h"

#include <benchmark/benchmark.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace fluxscope {
namespace {

constexpr std::int64_t kHeads = 32;
constexpr std::int64_t kKvHeads = 8;

void require(cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

class Memory {
public:
    explicit Memory(std::int64_t bytes) {
        require(cudaMalloc(&data_, static_cast<std::size_t>(bytes)));
        require(cudaMemset(data_, 0, static_cast<std::size_t>(bytes)));
    }
    ~Memory() { cudaFree(data_); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    char* data() const { return static_cast<char*>(data_); }

private:
    void* data_ = nullptr;
};

// Layers of `sequences` sequences with `slots` used slots in each KV head, attended to one after the other in one graph.
class Layers {
public:
    Layers(std::int64_t sequences, std::int64_t slots, std::int64_t dim)
        : shape_{.sequences = sequences,
                 .heads = kHeads,
                 .kvHeads = kKvHeads,
                 .dim = dim,
                 .type = cost::DType::BF16},
          headBytes_(slots * dim * 2),
          layerBytes_(2 * sequences * kKvHeads * headBytes_),
          count_(std::max<std::int64_t>(4, ((std::int64_t{256} << 20) + layerBytes_ - 1) / layerBytes_)),
          slots_(count_ * layerBytes_),
          q_(sequences * kHeads * dim * 2),
          out_(sequences * kHeads * dim * 2),
          scratch_(slotDecodeScratchBytes(shape_, slots)),
          table_(count_ * sequences * kKvHeads * static_cast<std::int64_t>(sizeof(KvSlot))) {
        std::vector<KvSlot> table;
        char* next = slots_.data();
        for (std::int64_t entry = 0; entry < count_ * sequences * kKvHeads; ++entry, next += 2 * headBytes_)
            table.push_back({.k = next, .v = next + headBytes_, .capacity = slots, .length = slots});
        require(
            cudaMemcpy(table_.data(), table.data(), table.size() * sizeof(KvSlot), cudaMemcpyHostToDevice));
        require(cudaStreamCreate(&stream_));
        require(cudaEventCreate(&begin_));
        require(cudaEventCreate(&end_));
        cudaGraph_t graph = nullptr;
        require(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
        for (std::int64_t layer = 0; layer < count_; ++layer)
            slotDecodeCuda(shape_, slots, q_.data(),
                           reinterpret_cast<const KvSlot*>(table_.data()) + layer * sequences * kKvHeads,
                           out_.data(), scratch_.data(), stream_);
        require(cudaStreamEndCapture(stream_, &graph));
        require(cudaGraphInstantiate(&executable_, graph, 0));
        require(cudaGraphDestroy(graph));
        run();
    }
    ~Layers() {
        cudaGraphExecDestroy(executable_);
        cudaEventDestroy(begin_);
        cudaEventDestroy(end_);
        cudaStreamDestroy(stream_);
    }
    Layers(const Layers&) = delete;
    Layers& operator=(const Layers&) = delete;

    double run() {  // seconds a layer
        float milliseconds = 0;
        require(cudaEventRecord(begin_, stream_));
        require(cudaGraphLaunch(executable_, stream_));
        require(cudaEventRecord(end_, stream_));
        require(cudaEventSynchronize(end_));
        require(cudaEventElapsedTime(&milliseconds, begin_, end_));
        return milliseconds / 1e3 / static_cast<double>(count_);
    }
    double bytesOfLayer() const { return static_cast<double>(layerBytes_); }

private:
    SlotDecodeShape shape_;
    std::int64_t headBytes_;
    std::int64_t layerBytes_;
    std::int64_t count_;
    Memory slots_, q_, out_, scratch_, table_;
    cudaStream_t stream_ = nullptr;
    cudaEvent_t begin_ = nullptr;
    cudaEvent_t end_ = nullptr;
    cudaGraphExec_t executable_ = nullptr;
};

void slotDecode(benchmark::State& state) {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0)
        return state.SkipWithError("no usable NVIDIA GPU here");
    Layers layers(state.range(0), state.range(1), state.range(2));
    double seconds = 0;
    for (auto _ : state) {
        const double one = layers.run();
        seconds += one;
        state.SetIterationTime(one);
    }
    const double each = seconds / static_cast<double>(state.iterations());
    state.counters["us"] = each * 1e6;
    state.counters["GB/s"] = layers.bytesOfLayer() / each / 1e9;
}
BENCHMARK(slotDecode)
    ->ArgNames({"sequences", "slots", "dim"})
    ->ArgsProduct({{1}, {512, 2176, 8192, 16384, 32768, 65536, 131072, 262144}, {128}})
    ->ArgsProduct({{1}, {2176, 32768, 131072}, {64, 256}})
    ->ArgsProduct({{8}, {2176, 32768}, {128}})
    ->UseManualTime()
    ->Iterations(20);

}  // namespace
}  // namespace fluxscope
