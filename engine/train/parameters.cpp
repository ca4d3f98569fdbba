#include "engine/train/parameters.h"

#include "engine/checkpoint/tensor_shapes.h"
#include "engine/train/random.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

namespace fluxscope::train {
namespace {

at::Tensor normal(Random& random, const std::vector<std::int64_t>& shape, double deviation,
                  at::Device device) {
    at::Tensor made = at::empty(shape, at::kFloat);
    auto* const values = made.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < made.numel(); ++i)
        values[i] = static_cast<float>(deviation * random.normal());
    return made.to(device);
}

void add(Parameters& list, const std::string& name, const at::Tensor& value) {
    if (value.defined()) list.push_back({.name = name, .value = value, .decays = value.dim() > 1});
}

void add(Parameters& list, const std::string& name, const Linear& linear) {
    add(list, name + ".weight", linear.weight);
    add(list, name + ".bias", linear.bias);
}

bool endsWith(const std::string& text, const std::string& end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Whatever backboneShapes() asks for, in the order of names, which is that of a map on every machine.
std::map<std::string, at::Tensor> newTensors(const ModelConfig& config, std::uint64_t seed,
                                             at::Device device) {
    Random random(seed);
    const double usual = 0.02;
    const double intoStream = usual / std::sqrt(2 * static_cast<double>(config.layers));
    std::map<std::string, at::Tensor> made;
    for (const auto& [name, shape] : backboneShapes(config)) {
        const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
        if (shape.size() > 1) {
            const bool writes = endsWith(name, "o_proj.weight") || endsWith(name, "down_proj.weight");
            made[name] = normal(random, shape, writes ? intoStream : usual, device);
        } else {
            made[name] = endsWith(name, ".bias") ? at::zeros(shape, options) : at::ones(shape, options);
        }
    }
    return made;
}

}  // namespace

Parameters backboneParameters(const ModelConfig& config, const Weights& weights) {
    Parameters list;
    add(list, "model.embed_tokens.weight", weights.embedding);
    for (std::size_t i = 0; i < weights.layers.size(); ++i) {
        const LayerWeights& w = weights.layers[i];
        const std::string layer = "model.layers." + std::to_string(i) + ".";
        const std::string attention = layer + "self_attn.";
        add(list, layer + "input_layernorm.weight", w.inputNorm);
        add(list, attention + "q_proj", w.q);
        add(list, attention + "k_proj", w.k);
        add(list, attention + "v_proj", w.v);
        add(list, attention + "q_norm.weight", w.qNorm);
        add(list, attention + "k_norm.weight", w.kNorm);
        add(list, attention + "o_proj", w.output);
        add(list, layer + "post_attention_layernorm.weight", w.postNorm);
        add(list, layer + "mlp.gate_proj", w.gate);
        add(list, layer + "mlp.up_proj", w.up);
        add(list, layer + "mlp.down_proj", w.down);
    }
    add(list, "model.norm.weight", weights.finalNorm);
    if (!config.tiedEmbeddings) add(list, "lm_head", weights.head);
    return list;
}

Parameters routerParameters(const Weights& weights) {
    Parameters list;
    for (std::size_t i = 0; i < weights.routers.size(); ++i) {
        const RouterWeights& w = weights.routers[i];
        const auto layer = [&](const char* rest) {
            return routerTensorName(static_cast<std::int64_t>(i), rest);
        };
        add(list, layer("cls_feat_extractor.0"), w.feature0);
        add(list, layer("cls_feat_extractor.2"), w.feature2);
        add(list, layer("cls_router_head_agnostic.0"), w.head0);
        add(list, layer("cls_router_head_agnostic.2"), w.head2);
        add(list, layer("cls_router_head_agnostic.4"), w.head4);
    }
    return list;
}

Weights newBackbone(const ModelConfig& config, std::uint64_t seed, at::Device device) {
    std::map<std::string, at::Tensor> made = newTensors(config, seed, device);
    const auto tensor = [&](const std::string& name) {
        const auto found = made.find(name);
        return found == made.end() ? at::Tensor{} : found->second;
    };
    const auto linear = [&](const std::string& name) {
        return Linear{tensor(name + ".weight"), tensor(name + ".bias")};
    };
    Weights w;
    w.embedding = tensor("model.embed_tokens.weight");
    for (std::int64_t i = 0; i < config.layers; ++i) {
        const std::string layer = "model.layers." + std::to_string(i) + ".";
        const std::string attention = layer + "self_attn.";
        w.layers.push_back({.inputNorm = tensor(layer + "input_layernorm.weight"),
                            .q = linear(attention + "q_proj"),
                            .k = linear(attention + "k_proj"),
                            .v = linear(attention + "v_proj"),
                            .qNorm = tensor(attention + "q_norm.weight"),
                            .kNorm = tensor(attention + "k_norm.weight"),
                            .output = linear(attention + "o_proj"),
                            .postNorm = tensor(layer + "post_attention_layernorm.weight"),
                            .gate = linear(layer + "mlp.gate_proj"),
                            .up = linear(layer + "mlp.up_proj"),
                            .down = linear(layer + "mlp.down_proj")});
    }
    w.finalNorm = tensor("model.norm.weight");
    w.head = config.tiedEmbeddings ? Linear{w.embedding, {}} : linear("lm_head");
    return w;
}

std::vector<RouterWeights> newRouters(const ModelConfig& config, std::uint64_t seed, at::Device device) {
    Random random(seed);
    const std::int64_t d = config.headDim;
    const auto linear = [&](std::int64_t outputs, std::int64_t inputs) {
        return Linear{normal(random, {outputs, inputs}, 1 / std::sqrt(static_cast<double>(inputs)), device),
                      at::zeros({outputs}, at::TensorOptions().dtype(at::kFloat).device(device))};
    };
    std::vector<RouterWeights> routers;
    for (std::int64_t i = 0; i < config.layers; ++i) {
        RouterWeights router;
        router.feature0 = linear(8 * d, d);
        router.feature2 = linear(2 * d, 8 * d);
        router.head0 = linear(4 * d, 2 * d);
        router.head2 = linear(d, 4 * d);
        router.head4 = linear(2, d);
        routers.push_back(std::move(router));
    }
    return routers;
}

void requireGradients(const Parameters& parameters, bool required) {
    for (const Parameter& parameter : parameters) parameter.value.set_requires_grad(required);
}

std::string contentHash(const Parameters& parameters) {
    std::uint64_t state = 0xCBF29CE484222325ULL;  // FNV-1a over words of eight bytes
    const auto step = [&state](std::uint64_t word) { state = (state ^ word) * 0x100000001B3ULL; };
    for (const Parameter& parameter : parameters) {
        const at::Tensor host = parameter.value.detach().cpu().contiguous();
        const auto* const bytes = static_cast<const char*>(host.const_data_ptr());
        const std::size_t size = host.nbytes();
        for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes + at, std::min(sizeof(word), size - at));
            step(word);
            state = std::rotl(state, 23);  // a multiplication alone never carries the high bits down
        }
        step(size);
    }
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(state));
    return text.data();
}

}  // namespace fluxscope::train
