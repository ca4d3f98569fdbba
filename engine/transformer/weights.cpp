#include "engine/transformer/weights.h"

#include "engine/contract/error.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>

#include <cstdint>
#include <cstring>
#include <optional>

namespace fluxscope {
namespace {

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

class Loader {
public:
    Loader(const Checkpoint& checkpoint, const Compute& compute,
           const std::function<void(const LoadProgress&)>& progress, const CancelToken* cancel)
        : checkpoint_(checkpoint), compute_(compute), progress_(progress), cancel_(cancel) {
        for (const auto& [name, tensor] : checkpoint.tensors) done_.bytesTotal += tensor.bytes;
    }

    at::Tensor tensor(const std::string& name) { return tensor(name, compute_.type); }
    Linear linear(const std::string& name, bool bias) {
        return {tensor(name + ".weight"), bias ? tensor(name + ".bias") : at::Tensor{}};
    }
    Linear routerLinear(std::int64_t layer, const std::string& name) {
        return {tensor(routerTensorName(layer, name + ".weight"), at::kFloat),
                tensor(routerTensorName(layer, name + ".bias"), at::kFloat)};
    }

private:
    at::Tensor tensor(const std::string& name, at::ScalarType type) {
        if (cancel_ && cancel_->cancelled()) throw CancelledError("loading " + checkpoint_.facts.name);
        const StoredTensor& stored = checkpoint_.tensor(name);
        at::Tensor loaded = view(stored).to(compute_.device, type);
        done_.bytesDone += stored.bytes;
        if (progress_) progress_(done_);
        return loaded;
    }

    const Checkpoint& checkpoint_;
    const Compute& compute_;
    const std::function<void(const LoadProgress&)>& progress_;
    const CancelToken* cancel_;
    LoadProgress done_;
};

}  // namespace

at::Tensor Linear::operator()(const at::Tensor& input) const {
    return at::linear(input, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

Weights loadWeights(const Checkpoint& checkpoint, const Compute& compute,
                    const std::function<void(const LoadProgress&)>& progress, const CancelToken* cancel) {
    Loader load(checkpoint, compute, progress, cancel);
    const ModelConfig& config = checkpoint.config;
    Weights w;
    const auto headNorm = [&](const std::string& name) {
        return config.queryKeyNorm ? load.tensor(name) : at::Tensor{};
    };
    w.embedding = load.tensor("model.embed_tokens.weight");
    for (std::int64_t i = 0; i < config.layers; ++i) {
        const std::string layer = "model.layers." + std::to_string(i) + ".";
        const std::string attention = layer + "self_attn.";
        w.layers.push_back({.inputNorm = load.tensor(layer + "input_layernorm.weight"),
                            .q = load.linear(attention + "q_proj", config.qkvBias),
                            .k = load.linear(attention + "k_proj", config.qkvBias),
                            .v = load.linear(attention + "v_proj", config.qkvBias),
                            .qNorm = headNorm(attention + "q_norm.weight"),
                            .kNorm = headNorm(attention + "k_norm.weight"),
                            .output = load.linear(attention + "o_proj", config.outputBias),
                            .postNorm = load.tensor(layer + "post_attention_layernorm.weight"),
                            .gate = load.linear(layer + "mlp.gate_proj", config.mlpBias),
                            .up = load.linear(layer + "mlp.up_proj", config.mlpBias),
                            .down = load.linear(layer + "mlp.down_proj", config.mlpBias)});
        if (!checkpoint.router) continue;
        w.routers.push_back({.feature0 = load.routerLinear(i, "cls_feat_extractor.0"),
                             .feature2 = load.routerLinear(i, "cls_feat_extractor.2"),
                             .head0 = load.routerLinear(i, "cls_router_head_agnostic.0"),
                             .head2 = load.routerLinear(i, "cls_router_head_agnostic.2"),
                             .head4 = load.routerLinear(i, "cls_router_head_agnostic.4")});
    }
    w.finalNorm = load.tensor("model.norm.weight");
    w.head = config.tiedEmbeddings ? Linear{w.embedding, {}} : load.linear("lm_head", false);
    return w;
}

}  // namespace fluxscope
