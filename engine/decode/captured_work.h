// Work for a GPU that is recorded once and launched as a whole afterwards (a CUDA graph): a decode step is hundreds of kernels
// of a few microseconds, and launching them one by one takes longer than running them.
//
// Recorded are kernels with the addresses and sizes of that moment. What differs from step to step must lie in memory that the
// kernels read: token ids, positions, the table of slots.
#pragma once

#include "engine/transformer/compute.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

namespace fluxscope {

class CapturedWork {
public:
    CapturedWork() = default;
    CapturedWork(const CapturedWork&) = delete;
    CapturedWork& operator=(const CapturedWork&) = delete;
    virtual ~CapturedWork() = default;

    // Enqueues the work on the current stream. Its result lies in the same memory every time.
    virtual const at::Tensor& replay() = 0;
};

struct Captured {
    at::Tensor first;  // the result of the one real run
    std::unique_ptr<CapturedWork> work;
};

// Does the work once for real (`run`), in which libraries choose their kernels and take their workspaces, and once to record it
// (`record`). Both enqueue the same and nothing else: they wait for nothing, and what the work changes on the host it must be
// right to change twice.
Captured capture(const Compute& compute, const std::function<at::Tensor()>& run,
                 const std::function<at::Tensor()>& record);

}  // namespace fluxscope
