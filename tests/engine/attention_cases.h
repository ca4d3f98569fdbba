// One layer's attention over a whole prompt, in every mode: by the engine, chunk by chunk, and by the modes' references.
#pragma once

#include "engine/attention/attention.h"
#include "engine/attention/detail/rules.h"
#include "kernels/xattention/xattention.h"
#include "tests/kernels/world.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

struct AttentionCase {
    PrefillMode mode = PrefillMode::Full;
    SparseForm form;
    std::int64_t prompt = 0;
    std::optional<std::int64_t> modelWindow;

    std::string name() const {
        return std::string(mode == PrefillMode::Full ? "full" : shortForm(form)) + " prompt " +
               std::to_string(prompt) +
               (modelWindow ? " in a window of " + std::to_string(*modelWindow) : std::string());
    }
    // Everything at once first; the engine rounds chunks up where a mode wants blocks.
    std::vector<std::int64_t> chunks() const {
        std::vector<std::int64_t> all{prompt};
        const std::int64_t multiple = mode == PrefillMode::Full ? 1 : chunkMultipleOf(form);
        for (const std::int64_t chunk : {1, 7, 64}) {
            if (prompt > 200 && chunk == 1) continue;
            all.push_back((chunk + multiple - 1) / multiple * multiple);
        }
        return all;
    }
};

inline std::vector<AttentionCase> attentionCases() {
    std::vector<AttentionCase> cases;
    for (const std::int64_t prompt : {1, 2, 3, 130, 300})
        for (const std::optional<std::int64_t> window :
             {std::optional<std::int64_t>(), std::optional<std::int64_t>(50)}) {
            cases.push_back({PrefillMode::Full, {}, prompt, window});
            for (const char* text :
                 {"streaming:sink=4,window=40", "streaming:sink=0,window=1", "streaming:sink=60,window=20",
                  "streaming:sink=1,window=100,granularity=block", "triangle:sink=4,window=30,last=20",
                  "triangle:sink=1,window=1,last=140,granularity=block", "triangle:sink=3,window=9,last=0",
                  "xattention:threshold=0.6", "xattention:threshold=0.95,stride=8",
                  "longformer:global=3,window=30", "longformer:global=5,window=20,dilation=3",
                  "bigbird:block=8,window=2,global=1,random=3",
                  "bigbird:block=48,window=1,global=0,random=1"}) {
                const SparseForm form = parseSparseForm(text);
                cases.push_back({form.prefill, form, prompt, window});
            }
        }
    return cases;
}

class AttentionPrompt {
public:
    static constexpr std::int64_t kHeads = 4;
    static constexpr std::int64_t kKvHeads = 2;
    static constexpr std::int64_t kDim = 32;
    static constexpr LayerIndex kLayer{3};

    // Numbers that `type` holds exactly, so that only what is tested rounds.
    AttentionPrompt(const AttentionCase& c, cost::DType type)
        : case_(c),
          world_({.rows = c.prompt, .keys = c.prompt, .heads = kHeads, .kvHeads = kKvHeads, .dim = kDim}) {
        // Some keys draw more than others: blocks differ in weight.
        for (std::size_t i = 0; i < world_.k.size(); ++i)
            world_.k[i] *= i / (128 * kDim) % 2 == 0 ? 2.0F : 1.0F;
        for (std::vector<float>* values : {&world_.q, &world_.k, &world_.v}) {
            const at::Tensor all = floats(*values, {static_cast<std::int64_t>(values->size())});
            all.copy_(all.to(scalarOf(type)).to(at::kFloat));
        }
    }

    std::vector<float> inChunks(const Compute& compute, std::int64_t chunk) const {
        return run(compute, chunk, nullptr);
    }
    std::vector<cost::OpShape> prices(const Compute& compute, std::int64_t chunk) const {
        std::vector<cost::OpShape> shapes;
        run(compute, chunk, &shapes);
        return shapes;
    }

    std::vector<float> byReference() const {
        std::vector<float> out(world_.q.size());
        for (std::int64_t h = 0; h < kHeads; ++h) {
            AttentionWorld one(
                {.rows = case_.prompt, .keys = case_.prompt, .heads = 1, .kvHeads = 1, .dim = kDim});
            const std::int64_t kvHead = h / (kHeads / kKvHeads);
            const auto take = [&](std::vector<float>& to, const std::vector<float>& from) {
                std::copy_n(from.begin() + kvHead * case_.prompt * kDim, to.size(), to.begin());
            };
            take(one.k, world_.k);
            take(one.v, world_.v);
            for (std::int64_t r = 0; r < case_.prompt; ++r)
                std::copy_n(world_.q.begin() + (r * kHeads + h) * kDim, kDim, one.q.begin() + r * kDim);
            const std::vector<float> mixed =
                one.masked([&](std::int64_t i, std::int64_t j) { return sees(h, i, j); });
            for (std::int64_t r = 0; r < case_.prompt; ++r)
                std::copy_n(mixed.begin() + r * kDim, kDim, out.begin() + (r * kHeads + h) * kDim);
        }
        return out;
    }

    std::int64_t pairs() const {
        std::int64_t count = 0;
        for (std::int64_t h = 0; h < kHeads; ++h)
            for (std::int64_t i = 0; i < case_.prompt; ++i)
                for (std::int64_t j = 0; j <= i; ++j) count += sees(h, i, j) ? 1 : 0;
        return count;
    }

    BlockEstimateShape estimateOfWholePrompt() const {
        return {.begin = 0,
                .end = case_.prompt,
                .heads = kHeads,
                .kvHeads = kKvHeads,
                .dim = kDim,
                .stride = case_.form.stride};
    }

private:
    static at::ScalarType scalarOf(cost::DType type) {
        return type == cost::DType::F32 ? at::kFloat : type == cost::DType::F16 ? at::kHalf : at::kBFloat16;
    }
    static at::Tensor floats(const std::vector<float>& values, at::IntArrayRef shape) {
        return at::from_blob(const_cast<float*>(values.data()), shape, at::TensorOptions().dtype(at::kFloat));
    }

    PrefillPlace place() const {
        return {.layer = kLayer, .prompt = case_.prompt, .modelWindow = case_.modelWindow};
    }

    bool sees(std::int64_t head, std::int64_t i, std::int64_t j) const {
        if (j > i) return false;
        switch (case_.mode) {
            case PrefillMode::Full: return inModelWindow(place(), i, j);
            case PrefillMode::Streaming: return streamingSees(case_.form, place(), i, j);
            case PrefillMode::Triangle: return triangleSees(case_.form, place(), i, j);
            case PrefillMode::Longformer: return longformerSees(case_.form, place(), i, j);
            case PrefillMode::BigBird: return bigBirdSees(case_.form, place(), i, j);
            case PrefillMode::XAttention: break;
        }
        const BlockEstimateShape s = estimateOfWholePrompt();
        const std::int64_t blocks = keyBlocksOf(s);
        if (keep_.empty()) {
            keep_.resize(static_cast<std::size_t>(kHeads * blocks * blocks));
            selectBlocksReference(s, case_.form.threshold, world_.q.data(), world_.keysValues(),
                                  keep_.data());
        }
        const std::int64_t flag = (head * blocks + i / kSelectBlock) * blocks + j / kSelectBlock;
        return keep_[static_cast<std::size_t>(flag)] != 0 && inModelWindow(place(), i, j);
    }

    // Keys lie as the mode needs them: all of them, or the sink and what is left of the last ones.
    std::vector<float> run(const Compute& compute, std::int64_t chunk,
                           std::vector<cost::OpShape>* prices) const {
        const auto there = [&](const std::vector<float>& values, at::IntArrayRef shape) {
            return floats(values, shape).to(compute.options());
        };
        const at::Tensor q = there(world_.q, {case_.prompt, kHeads, kDim});
        const at::Tensor k = there(world_.k, {kKvHeads, case_.prompt, kDim});
        const at::Tensor v = there(world_.v, {kKvHeads, case_.prompt, kDim});
        const KvNeed need = kvNeedOf(case_.mode, case_.form, case_.modelWindow);
        std::vector<at::Tensor> out;
        for (std::int64_t begin = 0; begin < case_.prompt; begin += chunk) {
            PrefillPlace here = place();
            here.begin = begin;
            here.end = std::min(begin + chunk, case_.prompt);
            here.kvHeads = kKvHeads;
            const bool scratch = !need.whole && begin > need.sink + need.window;
            const auto stored = [&](const at::Tensor& all) {
                if (!scratch) return all.slice(1, 0, here.end).contiguous();
                return at::cat({all.slice(1, 0, need.sink), all.slice(1, begin - need.window, here.end)}, 1);
            };
            const at::Tensor storedK = stored(k);
            const at::Tensor storedV = stored(v);
            here.keys = storedK.size(1);
            const KeysValues kv{storedK.const_data_ptr(), storedV.const_data_ptr(), storedK.stride(0),
                                storedK.stride(1)};
            cost::OpShape priced;
            out.push_back(attendPrefill(compute, case_.mode, case_.form, here, q.slice(0, begin, here.end),
                                        kv, prices ? &priced : nullptr));
            if (prices) prices->push_back(priced);
        }
        const at::Tensor all =
            at::cat(out).to(at::TensorOptions().device(at::kCPU).dtype(at::kFloat)).contiguous();
        const float* data = all.const_data_ptr<float>();
        return {data, data + all.numel()};
    }

    AttentionCase case_;
    AttentionWorld world_;
    mutable std::vector<std::uint8_t> keep_;  // of XAttention's reference
};

}  // namespace fluxscope
