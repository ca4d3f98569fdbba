#include "engine/transformer/weights.h"

#include "engine/contract/error.h"
#include "engine/transformer/weight_stream.h"

#include <ATen/ops/linear.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace fluxscope {
namespace {

// Adds up what has arrived, tells of it, and stops a load that is not wanted any more.
class LoadMeter {
public:
    LoadMeter(std::int64_t bytesTotal, std::string name,
              const std::function<void(const LoadProgress&)>& progress, const CancelToken* cancel)
        : name_(std::move(name)), progress_(progress), cancel_(cancel) {
        done_.bytesTotal = bytesTotal;
    }

    void arrived(std::int64_t bytes) {
        done_.bytesDone += bytes;
        if (progress_) progress_(soFar());
        if (cancel_ && cancel_->cancelled()) throw CancelledError("loading " + name_);
    }

    LoadProgress soFar() const {
        LoadProgress now = done_;
        now.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        return now;
    }

private:
    std::string name_;
    const std::function<void(const LoadProgress&)>& progress_;
    const CancelToken* cancel_;
    LoadProgress done_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// The tensors that loading will read, routers apart: checkpoints hold some that nobody needs, too.
struct NeededTensors {
    std::vector<const StoredTensor*> backbone;
    std::vector<const StoredTensor*> routers;
};

NeededTensors neededTensors(const Checkpoint& checkpoint) {
    const ModelConfig& config = checkpoint.config;
    NeededTensors needed;
    for (const auto& [name, shape] : backboneShapes(config))
        needed.backbone.push_back(&checkpoint.tensor(name));
    if (!checkpoint.router) return needed;
    for (std::int64_t i = 0; i < config.layers; ++i)
        for (const auto& [rest, shape] : routerShapes(config.headDim, checkpoint.router->logits))
            needed.routers.push_back(&checkpoint.tensor(routerTensorName(i, rest)));
    return needed;
}

std::int64_t bytesOf(const NeededTensors& needed) {
    std::int64_t bytes = 0;
    for (const auto* tensors : {&needed.backbone, &needed.routers})
        for (const StoredTensor* tensor : *tensors) bytes += tensor->bytes;
    return bytes;
}

std::string gigabytes(std::int64_t bytes) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f GB", static_cast<double>(bytes) / 1e9);
    return text.data();
}

// Said before the first byte is read: an allocation that fails half way has cost minutes, and on a CPU nothing fails, it is killed.
void requireRoom(const NeededTensors& needed, const WeightStream& stream, const Compute& compute) {
    std::int64_t wanted = 0;
    for (const StoredTensor* tensor : needed.backbone) wanted += stream.memoryFor(*tensor, compute.type);
    for (const StoredTensor* tensor : needed.routers) wanted += stream.memoryFor(*tensor, at::kFloat);
    const std::int64_t free = compute.freeBytes();
    if (wanted > free)
        throw MachineError(compute.deviceName(), "",
                           "has " + gigabytes(free) + " of memory free, and the weights take " +
                               gigabytes(wanted) + " in " + compute.typeName(),
                           compute.isCuda()
                               ? "free memory on the GPU, or use --device cpu"
                               : "close other programs, or use the --dtype that the weights are stored in");
}

class Loader {
public:
    Loader(const Checkpoint& checkpoint, const Compute& compute, WeightStream& stream)
        : checkpoint_(checkpoint), type_(compute.type), stream_(stream) {}

    at::Tensor tensor(const std::string& name) { return stream_.bring(checkpoint_.tensor(name), type_); }
    Linear linear(const std::string& name, bool bias) {
        return {tensor(name + ".weight"), bias ? tensor(name + ".bias") : at::Tensor{}};
    }
    Linear routerLinear(std::int64_t layer, const std::string& name) {
        const auto wide = [&](const char* part) {
            return stream_.bring(checkpoint_.tensor(routerTensorName(layer, name + part)), at::kFloat);
        };
        return {wide(".weight"), wide(".bias")};
    }

private:
    const Checkpoint& checkpoint_;
    at::ScalarType type_;
    WeightStream& stream_;
};

}  // namespace

at::Tensor Linear::operator()(const at::Tensor& input) const {
    return at::linear(input, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

Weights loadWeights(const Checkpoint& checkpoint, const Compute& compute,
                    const std::function<void(const LoadProgress&)>& progress, const CancelToken* cancel) {
    const NeededTensors needed = neededTensors(checkpoint);
    LoadMeter meter(bytesOf(needed), checkpoint.facts.name, progress, cancel);
    WeightStream stream(compute, [&meter](std::int64_t bytes) { meter.arrived(bytes); });
    requireRoom(needed, stream, compute);
    Loader load(checkpoint, compute, stream);
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
    stream.finish();
    w.read = meter.soFar();
    return w;
}

}  // namespace fluxscope
