#include "engine/decode/captured_work.h"

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime.h>

#include <atomic>
#include <utility>

namespace fluxscope {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

// LibTorch numbers its own pools from 1 on.
c10::MempoolId_t nextPool() {
    static std::atomic<c10::CaptureId_t> next = c10::CaptureId_t{1} << 62;
    return {next++, 0};
}

// Memory that recorded kernels work in: nobody else gets it while they may be replayed.
class Pool {
public:
    explicit Pool(c10::DeviceIndex device) : device_(device), id_(nextPool()) {}
    ~Pool() {
        if (!begun_) return;
        // A replay may still be running in it. After a fault of the device nothing can be freed, and the fault is being told.
        if (cudaDeviceSynchronize() != cudaSuccess) return;
        allocator::releasePool(device_, id_);
        allocator::emptyCache(id_);  // it would lie idle until memory runs out
    }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // Once: the pool begins to exist with it.
    void beginFor(cudaStream_t stream) {
        allocator::beginAllocateToPool(device_, id_,
                                       [stream](cudaStream_t asking) { return asking == stream; });
        begun_ = true;
    }
    void end() { allocator::endAllocateToPool(device_, id_); }
    c10::DeviceIndex device() const { return device_; }

private:
    c10::DeviceIndex device_;
    c10::MempoolId_t id_;
    bool begun_ = false;
};

// Between its beginning and its end, what a stream is told is recorded, and what is allocated for it comes from the pool.
class Recording {
public:
    Recording(Pool& pool, cudaStream_t stream) : pool_(pool), stream_(stream) {
        pool_.beginFor(stream_);
        // Other threads (a recorder, a driver's) may go on allocating.
        const cudaError_t error = cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal);
        if (error != cudaSuccess) pool_.end();
        C10_CUDA_CHECK(error);
    }
    ~Recording() {
        if (ended_) return;
        cudaGraph_t graph = nullptr;  // the work threw: what there is of it is dropped
        C10_CUDA_CHECK_WARN(cudaStreamEndCapture(stream_, &graph));
        if (graph) C10_CUDA_CHECK_WARN(cudaGraphDestroy(graph));
        pool_.end();
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

    cudaGraph_t end() {
        cudaGraph_t graph = nullptr;
        ended_ = true;
        const cudaError_t error = cudaStreamEndCapture(stream_, &graph);
        pool_.end();
        C10_CUDA_CHECK(error);
        return graph;
    }

private:
    Pool& pool_;
    cudaStream_t stream_;
    bool ended_ = false;
};

// Whatever `first` has been told happens before whatever `then` is told from now on.
void order(cudaStream_t first, cudaStream_t then) {
    cudaEvent_t event = nullptr;
    C10_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    const cudaError_t recorded = cudaEventRecord(event, first);
    const cudaError_t waits = cudaStreamWaitEvent(then, event, 0);
    C10_CUDA_CHECK(cudaEventDestroy(event));  // goes when it has happened
    C10_CUDA_CHECK(recorded);
    C10_CUDA_CHECK(waits);
}

class CudaGraphWork final : public CapturedWork {
public:
    // `stream` is current, and has run the work before.
    CudaGraphWork(const c10::cuda::CUDAStream& stream, const std::function<at::Tensor()>& work)
        : pool_(stream.device_index()) {
        Recording recording(pool_, stream.stream());
        result_ = work();
        cudaGraph_t graph = recording.end();
        const cudaError_t error = cudaGraphInstantiate(&executable_, graph, 0);
        C10_CUDA_CHECK(cudaGraphDestroy(graph));
        C10_CUDA_CHECK(error);
    }
    ~CudaGraphWork() override {
        if (executable_) C10_CUDA_CHECK_WARN(cudaGraphExecDestroy(executable_));
    }

    const at::Tensor& replay() override {
        C10_CUDA_CHECK(
            cudaGraphLaunch(executable_, c10::cuda::getCurrentCUDAStream(pool_.device()).stream()));
        return result_;
    }

private:
    Pool pool_;  // goes last
    at::Tensor result_;
    cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

Captured capture(const Compute& compute, const std::function<at::Tensor()>& run,
                 const std::function<at::Tensor()>& record) {
    // The default stream cannot be recorded, and a library's workspace belongs to a stream: so both runs are on the same other,
    // and all recordings on one, for cuBLAS keeps 32 MB for each that it has met.
    static const c10::cuda::CUDAStream other = c10::cuda::getStreamFromPool(false, compute.device.index());
    const c10::cuda::CUDAStream current = c10::cuda::getCurrentCUDAStream(compute.device.index());
    order(current.stream(), other.stream());
    Captured captured;
    {
        const c10::cuda::CUDAStreamGuard guard(other);
        captured.first = run();
        captured.work = std::make_unique<CudaGraphWork>(other, record);
    }
    order(other.stream(), current.stream());
    return captured;
}

}  // namespace fluxscope
