#include "engine/checkpoint/routers.h"

#include "engine/checkpoint/flux_config.h"
#include "engine/checkpoint/json_file.h"
#include "engine/checkpoint/tensor_shapes.h"
#include "engine/contract/error.h"

#include <algorithm>
#include <charconv>

namespace fluxscope {
namespace {

const char* const kWriteAgain = "write the router file again";

std::int64_t poolSizeOf(const SafetensorsFile& file, const std::string& where) {
    const auto found = file.metadata.find("pool_size");
    if (found == file.metadata.end())
        throw InputError(where, "__metadata__.pool_size", "is missing", kWriteAgain);
    const std::string& text = found->second;
    double size = 0;  // some writers store 150.0
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error == std::errc() && end == text.data() + text.size() && size >= 1 && size <= 1 << 20)
        return static_cast<std::int64_t>(size);
    throw InputError(where, "__metadata__.pool_size", "is no count of tokens", kWriteAgain);
}

RouterSource readMetadata(const SafetensorsFile& file, const std::string& where,
                          const std::string& backbone) {
    RouterSource source;
    source.poolSize = poolSizeOf(file, where);
    if (const auto sparse = file.metadata.find("sparse"); sparse != file.metadata.end()) {
        try {
            source.sparse = parseSparseForm(sparse->second, where);
        } catch (const Error& e) {
            throw InputError(where, "__metadata__.sparse", "is no sparse form (" + e.problem() + ")",
                             kWriteAgain);
        }
    }
    if (const auto hash = file.metadata.find("backbone");
        hash != file.metadata.end() && hash->second != backbone)
        throw InputError(where, "__metadata__.backbone",
                         "is " + printable(hash->second, 40) + " but this model's is " + backbone +
                             ": it was trained for another model",
                         "use the router that was trained for this model, or move it out of the folder");
    return source;
}

// Elastic Attention's routers have these names too, but shapes of their own: they look at each KV head's keys.
void refuseElastic(const ModelConfig& config, const std::map<std::string, StoredTensor>& tensors) {
    const std::int64_t d = config.headDim;
    const auto first = tensors.find(routerTensorName(0, "cls_feat_extractor.0.weight"));
    if (first == tensors.end() || first->second.shape != std::vector<std::int64_t>{4 * d, d}) return;
    throw InputError(
        first->second.file, first->first,
        "has shape " + shapeText(first->second.shape) +
            ": it is a router of Elastic Attention, which decides for each KV head and is not read",
        "use a Flux Attention checkpoint");
}

// Sigmoid or softmax: the rows of the last linear layer tell, whatever config.json says.
std::int64_t logitsOf(const std::map<std::string, StoredTensor>& tensors) {
    const auto last = tensors.find(routerTensorName(0, "cls_router_head_agnostic.4.weight"));
    return last != tensors.end() && last->second.shape.size() == 2 && last->second.shape[0] == 1 ? 1 : 2;
}

}  // namespace

std::optional<RouterSource> openRouters(const ModelConfig& config, const JsonFields& fields,
                                        const RouterPlace& place,
                                        std::map<std::string, StoredTensor>& tensors) {
    const std::filesystem::path file = place.given.value_or(place.folder / "router.safetensors");
    std::error_code absent;
    RouterSource source;
    std::string where = place.folder.string();
    const bool inside = config.flux || std::any_of(tensors.begin(), tensors.end(),
                                                   [](const auto& t) { return isRouterTensor(t.first); });
    if (place.given || std::filesystem::exists(file, absent)) {
        SafetensorsFile side = openSafetensors(file);
        where = file.string();
        source = readMetadata(side, where, place.backbone);
        for (auto& [name, tensor] : side.tensors)
            if (isRouterTensor(name)) tensors.insert_or_assign(name, std::move(tensor));
    } else if (inside) {
        source = readFluxConfig(fields);
    } else {
        return std::nullopt;
    }
    refuseElastic(config, tensors);
    source.logits = logitsOf(tensors);
    for (std::int64_t i = 0; i < config.layers; ++i) {
        for (const auto& [rest, shape] : routerShapes(config.headDim, source.logits)) {
            requireTensor(tensors, routerTensorName(i, rest), shape, where, "a router of this model");
            source.parameters += elementsOf(shape);
        }
    }
    return source;
}

}  // namespace fluxscope
