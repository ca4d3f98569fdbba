// Brings a stored tensor to where the model computes, without a second copy in the host's memory.
//
//   CPU, type fits       the tensor stays where it lies in the mapped file; its pages are read now, not in the first prompt
//   CPU, another type    converted block by block; the mapping lets go of what was converted
//   CUDA                 from the mapping through three pinned blocks, copied by all cores while the GPU fetches the others:
//                        49 GB/s of a 55 GB/s link where the file is in the page cache, where plain copies out of the mapping
//                        make 8 GB/s and single-threaded reads into pinned memory 5 GB/s (H200, 8 GiB)
#pragma once

#include "engine/checkpoint/safetensors.h"
#include "engine/contract/cancel.h"
#include "engine/transformer/compute.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

namespace fluxscope {

// Told of every block that has arrived; throws CancelledError when loading is not wanted any more.
using BlockArrived = std::function<void(std::int64_t bytes)>;

class WeightStream {
public:
    WeightStream(const Compute& compute, BlockArrived arrived);
    ~WeightStream();
    WeightStream(const WeightStream&) = delete;
    WeightStream& operator=(const WeightStream&) = delete;

    // What bring() will take of the memory where the model computes: nothing for a tensor that stays in its file.
    std::int64_t memoryFor(const StoredTensor& stored, at::ScalarType type) const;
    at::Tensor bring(const StoredTensor& stored, at::ScalarType type);
    void finish();  // waits until the device has everything

private:
    class Staging;

    Compute compute_;
    BlockArrived arrived_;
    std::unique_ptr<Staging> staging_;  // on CUDA only
};

}  // namespace fluxscope
