// A tiny model's layers without the rest of the engine, and caches that were decided by hand: decoding fills them from the
// first token on, so no prefill is needed to test it.
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/contract/observer.h"
#include "engine/decode/decode.h"
#include "engine/transformer/transformer.h"
#include "engine/transformer/weights.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/tiny_model.h"

#include <ATen/core/Tensor.h>
#include <c10/core/InferenceMode.h>

#include <deque>
#include <span>
#include <vector>

namespace fluxscope {

// What a group of KV heads keeps: a slot for each of `capacity` positions, or a sink and a ring.
struct Kept {
    std::vector<std::int64_t> kvHeads;
    std::int64_t capacity = 0;
    std::int64_t sink = 0;
};
using KeptByLayer = std::vector<std::vector<Kept>>;

class DecodeWorld {
public:
    static constexpr std::int64_t kPositions = 128;

    explicit DecodeWorld(int layers, const LoadOptions& options = {})
        : model_(transformerOf(writeTinyModel(folder_.path(), {.layers = layers}), options)),
          rotary_(model_.rotary(kPositions)) {}

    const Transformer& model() const { return model_; }
    const RotaryTable& rotary() const { return rotary_; }

    KvCache& cache(const KeptByLayer& layers) {
        KvCache& kv = caches_.emplace_back(model_.compute());
        const std::int64_t dim = model_.config().headDim;
        for (const std::vector<Kept>& groups : layers) {
            KvLayer layer;
            for (const Kept& kept : groups) {
                const auto heads = static_cast<std::int64_t>(kept.kvHeads.size());
                layer.groups.push_back({.kvHeads = kept.kvHeads,
                                        .k = kv.arena().take(heads, kept.capacity, dim),
                                        .v = kv.arena().take(heads, kept.capacity, dim),
                                        .sink = kept.sink});
                // A slot that was never written must not be read.
                layer.groups.back().k.fill_(NAN);
                layer.groups.back().v.fill_(NAN);
            }
            kv.addLayer(std::move(layer));
        }
        kv.setLength(0);
        return kv;
    }

    // One step of these sequences; their logits on the CPU.
    static at::Tensor step(Decode& decode, std::span<const TokenId> tokens, const RoutedTap& routed = {}) {
        Observer nobody;
        const Tracer tracer(nobody, false, BatchIndex{}, Phase::Decode, StepIndex{});
        return decode.step(tokens, tracer, routed).to(at::kCPU).clone();
    }
    // Tokens begin .. end-1 of a fixed text, one by one; the logits of the last.
    at::Tensor feed(KvCache& kv, std::int64_t begin, std::int64_t end, const DecodeOptions& options = {}) {
        Decode decode(model_, rotary_, {&kv}, options);
        at::Tensor logits;
        for (std::int64_t i = begin; i < end; ++i)
            logits = step(decode, {&text()[static_cast<std::size_t>(i)], 1});
        return logits;
    }

    static const std::vector<TokenId>& text() {
        static const std::vector<TokenId> ids = [] {
            FixtureRandom random(3);
            std::vector<TokenId> made;
            for (std::int64_t i = 0; i < kPositions; ++i) made.push_back(TokenId::of(random.next() % 765));
            return made;
        }();
        return ids;
    }

private:
    static Transformer transformerOf(const std::filesystem::path& folder, const LoadOptions& options) {
        const c10::InferenceMode inference;
        Checkpoint checkpoint = openCheckpoint(folder);
        const Compute compute = chooseCompute(options, cost::DType::F32);
        Weights weights = loadWeights(checkpoint, compute, {}, nullptr);
        return {std::move(checkpoint.config), std::move(weights), compute};
    }

    c10::InferenceMode inference_;
    TempFolder folder_;
    Transformer model_;
    RotaryTable rotary_;
    std::deque<KvCache> caches_;
};

// The three kinds for a model of 2 KV heads: everything, sink and ring, and one head of each.
inline KeptByLayer fullLayers(int layers) {
    return KeptByLayer(static_cast<std::size_t>(layers), {{{0, 1}, DecodeWorld::kPositions, 0}});
}
inline KeptByLayer ringLayers(int layers, std::int64_t sink, std::int64_t window) {
    return KeptByLayer(static_cast<std::size_t>(layers), {{{0, 1}, sink + window, sink}});
}
inline KeptByLayer mixedLayers(int layers, std::int64_t sink, std::int64_t window) {
    return KeptByLayer(static_cast<std::size_t>(layers),
                       {{{1}, DecodeWorld::kPositions, 0}, {{0}, sink + window, sink}});
}

inline float largestDifference(const at::Tensor& a, const at::Tensor& b) {
    return a.sub(b).abs().max().item<float>();  // a NaN stays one and fails every comparison
}

}  // namespace fluxscope
