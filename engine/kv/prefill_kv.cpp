#include "engine/kv/prefill_kv.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cassert>
#include <numeric>

namespace fluxscope {

PrefillKv::PrefillKv(const KvShape& shape, const SparseForm& sparse, const Compute& compute, KvCache& cache)
    : shape_(shape), sparse_(sparse), compute_(compute), cache_(cache) {}

void PrefillKv::begin(Attention attention) {
    attention_ = attention;
    kept_ = 0;
    if (attention == Attention::Full || sparse_.decode == DecodeMode::Dense) {
        linear_ = {.kvHeads = {},
                   .k = cache_.arena().take(shape_.kvHeads, shape_.positions, shape_.dim),
                   .v = cache_.arena().take(shape_.kvHeads, shape_.positions, shape_.dim),
                   .sink = 0};
        return;
    }
    if (!scratchK_.defined()) {
        const std::int64_t streaming = std::min(shape_.prompt, sparse_.sink + sparse_.window + shape_.chunk);
        const std::int64_t capacity = sparse_.prefill == PrefillMode::Streaming ? streaming : shape_.prompt;
        scratchK_ = at::empty({shape_.kvHeads, capacity, shape_.dim}, compute_.options());
        scratchV_ = at::empty({shape_.kvHeads, capacity, shape_.dim}, compute_.options());
    }
    linear_ = {.kvHeads = {}, .k = scratchK_, .v = scratchV_, .sink = 0};
}

void PrefillKv::append(const at::Tensor& k, const at::Tensor& v) {
    const std::int64_t rows = k.size(0);
    if (kept_ + rows > linear_.capacity()) dropBehindWindow();
    assert(kept_ + rows <= linear_.capacity());
    linear_.k.slice(1, kept_, kept_ + rows).copy_(k.transpose(0, 1));
    linear_.v.slice(1, kept_, kept_ + rows).copy_(v.transpose(0, 1));
    kept_ += rows;
}

// [sink | ... | last window] becomes [sink | last window].
void PrefillKv::dropBehindWindow() {
    for (const at::Tensor& t : {linear_.k, linear_.v}) {
        const at::Tensor window = t.slice(1, kept_ - sparse_.window, kept_).clone();  // the places overlap
        t.slice(1, sparse_.sink, sparse_.sink + sparse_.window).copy_(window);
    }
    kept_ = sparse_.sink + sparse_.window;
}

KeysValues PrefillKv::view() const {
    return {.k = linear_.k.const_data_ptr(),
            .v = linear_.v.const_data_ptr(),
            .headStride = linear_.k.stride(0),
            .rowStride = linear_.k.stride(1)};
}

void PrefillKv::seal() {
    const bool inPlace = attention_ == Attention::Full || sparse_.decode == DecodeMode::Dense;
    KvGroup group = inPlace ? linear_ : ring();
    group.kvHeads.resize(static_cast<std::size_t>(shape_.kvHeads));
    std::iota(group.kvHeads.begin(), group.kvHeads.end(), 0);
    KvLayer layer;
    layer.groups.push_back(std::move(group));
    cache_.addLayer(std::move(layer));
}

// Position p of the window goes to slot sink + (p - sink) mod window: one run of slots that wraps once.
KvGroup PrefillKv::ring() const {
    const std::int64_t capacity = std::min(sparse_.sink + sparse_.window, shape_.positions);
    KvGroup layer{.kvHeads = {},
                  .k = cache_.arena().take(shape_.kvHeads, capacity, shape_.dim),
                  .v = cache_.arena().take(shape_.kvHeads, capacity, shape_.dim),
                  .sink = std::min(sparse_.sink, capacity - 1)};
    const auto fill = [&](const at::Tensor& to, const at::Tensor& from) {
        const auto copy = [&](std::int64_t slot, std::int64_t key, std::int64_t count) {
            to.slice(1, slot, slot + count).copy_(from.slice(1, key, key + count));
        };
        if (shape_.prompt <= capacity) return copy(0, 0, shape_.prompt);
        const std::int64_t sink = sparse_.sink;
        const std::int64_t window = sparse_.window;
        const std::int64_t firstKey = kept_ - window;
        const std::int64_t wrap =
            (shape_.prompt - window - sink) % window;  // the slot of the window's first position
        copy(0, 0, sink);
        copy(sink + wrap, firstKey, window - wrap);
        copy(sink, firstKey + window - wrap, wrap);
    };
    fill(layer.k, linear_.k);
    fill(layer.v, linear_.v);
    return layer;
}

}  // namespace fluxscope
