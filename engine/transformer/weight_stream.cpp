#include "engine/transformer/weight_stream.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#ifdef FLUXSCOPE_CUDA
#include <c10/core/Event.h>
#include <c10/cuda/CUDAStream.h>
#endif

#include <algorithm>
#include <array>
#include <cstring>

namespace fluxscope {
namespace {

constexpr std::int64_t kBlockBytes = std::int64_t{32} << 20;  // also how far a cancelled load still goes

at::ScalarType scalarTypeOf(StoredType type) {
    switch (type) {
        case StoredType::F16: return at::kHalf;
        case StoredType::BF16: return at::kBFloat16;
        default: return at::kFloat;
    }
}

// The tensor where it lies in the mapped file, unless the file put it at an odd address.
at::Tensor view(const StoredTensor& stored) {
    const auto options = at::TensorOptions().dtype(scalarTypeOf(stored.type));
    const bool aligned = reinterpret_cast<std::uintptr_t>(stored.data) % alignof(float) == 0;
    if (!aligned) {
        const at::Tensor copy = at::empty(stored.shape, options);
        std::memcpy(copy.mutable_data_ptr(), stored.data, static_cast<std::size_t>(stored.bytes));
        return copy;
    }
    // Nobody writes to weights; the mapping is read-only and would say so.
    void* data = const_cast<std::byte*>(stored.data);
    return at::from_blob(data, stored.shape, [mapping = stored.mapping](void*) {}, options);
}

template <class Block>
void eachBlock(std::int64_t bytes, Block block) {
    for (std::int64_t begin = 0; begin < bytes; begin += kBlockBytes)
        block(begin, std::min(begin + kBlockBytes, bytes));
}

}  // namespace

#ifdef FLUXSCOPE_CUDA

class WeightStream::Staging {
public:
    explicit Staging(at::Device device) : device_(device) {
        for (Slot& slot : slots_)
            slot.pinned = at::empty({kBlockBytes}, at::TensorOptions().dtype(at::kByte).pinned_memory(true));
    }

    // `bytes` of `data` to `target`, a flat tensor on the device. Of another type than the stored one, it is converted there.
    void send(const std::byte* data, std::int64_t bytes, at::ScalarType stored, const at::Tensor& target) {
        Slot& slot = slots_[next_++ % slots_.size()];
        slot.sent.synchronize();
        const at::Tensor staged = slot.pinned.slice(0, 0, bytes);
        staged.copy_(at::from_blob(const_cast<std::byte*>(data), {bytes}, at::kByte));
        if (target.scalar_type() == stored) {
            target.copy_(staged.view(stored), true);
        } else {
            if (!arrived_.defined())
                arrived_ = at::empty({kBlockBytes}, at::TensorOptions().dtype(at::kByte).device(device_));
            const at::Tensor arrived = arrived_.slice(0, 0, bytes);
            arrived.copy_(staged, true);
            target.copy_(arrived.view(stored), true);
        }
        slot.sent.record(c10::cuda::getCurrentCUDAStream(device_.index()));
    }

    void wait() const { c10::cuda::getCurrentCUDAStream(device_.index()).synchronize(); }

private:
    struct Slot {
        at::Tensor pinned;
        c10::Event sent{at::kCUDA};
    };
    at::Device device_;
    std::array<Slot, 3> slots_;
    std::size_t next_ = 0;
    at::Tensor arrived_;  // on the device, in the stored type
};

#else

class WeightStream::Staging {};

#endif

WeightStream::WeightStream(const Compute& compute, BlockArrived arrived)
    : compute_(compute), arrived_(std::move(arrived)) {
#ifdef FLUXSCOPE_CUDA
    if (compute_.isCuda()) staging_ = std::make_unique<Staging>(compute_.device);
#endif
}

WeightStream::~WeightStream() = default;

std::int64_t WeightStream::memoryFor(const StoredTensor& stored, at::ScalarType type) const {
    const at::ScalarType storedType = scalarTypeOf(stored.type);
    if (!compute_.isCuda() && type == storedType) return 0;
    return stored.bytes / static_cast<std::int64_t>(c10::elementSize(storedType)) *
           static_cast<std::int64_t>(c10::elementSize(type));
}

at::Tensor WeightStream::bring(const StoredTensor& stored, at::ScalarType type) {
    const at::ScalarType storedType = scalarTypeOf(stored.type);
    if (!compute_.isCuda() && type == storedType) {
        eachBlock(stored.bytes, [&](std::int64_t begin, std::int64_t end) {
            readNow(stored.data + begin, end - begin);
            arrived_(end - begin);
        });
        return view(stored);
    }
    const at::Tensor target =
        at::empty(stored.shape, at::TensorOptions().dtype(type).device(compute_.device));
    const at::Tensor flat = target.view({-1});
    const at::Tensor source = compute_.isCuda() ? at::Tensor{} : view(stored).view({-1});
    const auto size = static_cast<std::int64_t>(c10::elementSize(storedType));
    eachBlock(stored.bytes, [&](std::int64_t begin, std::int64_t end) {
        const at::Tensor part = flat.slice(0, begin / size, end / size);
#ifdef FLUXSCOPE_CUDA
        if (staging_) staging_->send(stored.data + begin, end - begin, storedType, part);
#endif
        if (source.defined()) part.copy_(source.slice(0, begin / size, end / size));
        letGo(stored.data + begin, end - begin);
        arrived_(end - begin);
    });
    return target;
}

void WeightStream::finish() {
#ifdef FLUXSCOPE_CUDA
    if (staging_) staging_->wait();
#endif
}

}  // namespace fluxscope
