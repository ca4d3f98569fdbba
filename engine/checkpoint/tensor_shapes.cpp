#include "engine/checkpoint/tensor_shapes.h"

#include "engine/contract/error.h"

namespace fluxscope {
namespace {

constexpr const char* kRouterMark = ".self_attn.mask_allocator.";

}  // namespace

TensorShapes backboneShapes(const ModelConfig& c) {
    TensorShapes shapes = {
        {"model.embed_tokens.weight", {c.vocabulary, c.hidden}},
        {"model.norm.weight", {c.hidden}},
    };
    if (!c.tiedEmbeddings) shapes["lm_head.weight"] = {c.vocabulary, c.hidden};
    for (std::int64_t i = 0; i < c.layers; ++i) {
        const std::string layer = "model.layers." + std::to_string(i) + ".";
        const std::string attention = layer + "self_attn.";
        const auto linear = [&](const std::string& name, std::int64_t outputs, std::int64_t inputs,
                                bool bias) {
            shapes[name + ".weight"] = {outputs, inputs};
            if (bias) shapes[name + ".bias"] = {outputs};
        };
        linear(attention + "q_proj", c.heads * c.headDim, c.hidden, c.qkvBias);
        linear(attention + "k_proj", c.kvHeads * c.headDim, c.hidden, c.qkvBias);
        linear(attention + "v_proj", c.kvHeads * c.headDim, c.hidden, c.qkvBias);
        linear(attention + "o_proj", c.hidden, c.heads * c.headDim, c.outputBias);
        linear(layer + "mlp.gate_proj", c.inner, c.hidden, c.mlpBias);
        linear(layer + "mlp.up_proj", c.inner, c.hidden, c.mlpBias);
        linear(layer + "mlp.down_proj", c.hidden, c.inner, c.mlpBias);
        if (c.queryKeyNorm) {
            shapes[attention + "q_norm.weight"] = {c.headDim};
            shapes[attention + "k_norm.weight"] = {c.headDim};
        }
        shapes[layer + "input_layernorm.weight"] = {c.hidden};
        shapes[layer + "post_attention_layernorm.weight"] = {c.hidden};
    }
    return shapes;
}

TensorShapes routerShapes(std::int64_t d, std::int64_t logits) {
    return {
        {"cls_feat_extractor.0.weight", {8 * d, d}},           {"cls_feat_extractor.0.bias", {8 * d}},
        {"cls_feat_extractor.2.weight", {2 * d, 8 * d}},       {"cls_feat_extractor.2.bias", {2 * d}},
        {"cls_router_head_agnostic.0.weight", {4 * d, 2 * d}}, {"cls_router_head_agnostic.0.bias", {4 * d}},
        {"cls_router_head_agnostic.2.weight", {d, 4 * d}},     {"cls_router_head_agnostic.2.bias", {d}},
        {"cls_router_head_agnostic.4.weight", {logits, d}},    {"cls_router_head_agnostic.4.bias", {logits}}};
}

std::string routerTensorName(std::int64_t layer, const std::string& rest) {
    return "model.layers." + std::to_string(layer) + kRouterMark + rest;
}

bool isRouterTensor(const std::string& name) { return name.find(kRouterMark) != std::string::npos; }

void requireTensor(const std::map<std::string, StoredTensor>& tensors, const std::string& name,
                   const std::vector<std::int64_t>& shape, const std::string& where,
                   const std::string& because) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw InputError(where, name, "is missing", "download the model again");
    const StoredTensor& t = found->second;
    if (t.shape != shape)
        throw InputError(t.file, name,
                         "has shape " + shapeText(t.shape) + " but " + because + " says " + shapeText(shape),
                         "use the config.json that came with these weights");
    if (t.type == StoredType::Other)
        throw InputError(
            t.file, name,
            "is stored as " + printable(t.typeName, 20) + ", and weights are read as F32, F16 or BF16",
            "use the fp32, bf16 or fp16 weights");
}

std::int64_t elementsOf(const std::vector<std::int64_t>& shape) {
    std::int64_t n = 1;
    for (const std::int64_t size : shape) n *= size;
    return n;
}

}  // namespace fluxscope
