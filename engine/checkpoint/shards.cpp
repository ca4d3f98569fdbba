#include "engine/checkpoint/shards.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

namespace fluxscope {
namespace {

std::map<std::string, StoredTensor> openShards(const std::filesystem::path& folder) {
    const std::filesystem::path index = folder / "model.safetensors.index.json";
    const nlohmann::json json = readJsonObject(index, std::int64_t{64} << 20);
    const JsonFields map = JsonFields(json, index.string()).object("weight_map");

    std::map<std::string, SafetensorsFile> shards;
    std::map<std::string, StoredTensor> tensors;
    for (const auto& [name, value] : map.json().items()) {
        const auto shard = value.is_string() ? value.get<std::string>() : std::string{};
        // A shard lies beside its index; a path that leads elsewhere is not ours to open.
        if (shard.empty() || shard != std::filesystem::path(shard).filename().string() || shard == "." ||
            shard == "..")
            map.refuse(name.c_str(), "does not name a file beside the index", "download the model again");
        if (!shards.contains(shard)) shards.emplace(shard, openSafetensors(folder / shard));
        const auto found = shards[shard].tensors.find(name);
        if (found == shards[shard].tensors.end())
            map.refuse(name.c_str(), "is not in " + printable(shard, 80), "download the model again");
        tensors.emplace(name, found->second);
    }
    return tensors;
}

}  // namespace

std::map<std::string, StoredTensor> openWeights(const std::filesystem::path& folder) {
    std::error_code absent;
    if (std::filesystem::exists(folder / "model.safetensors.index.json", absent)) return openShards(folder);
    // A link that leads nowhere or in a circle is still said to be there: opening it says what is wrong with it.
    const auto status = std::filesystem::symlink_status(folder / "model.safetensors", absent);
    if (status.type() != std::filesystem::file_type::not_found)
        return openSafetensors(folder / "model.safetensors").tensors;
    throw InputError(folder.string(), "", "has no model.safetensors and no model.safetensors.index.json",
                     "convert the weights to safetensors; pickled checkpoints are never read");
}

}  // namespace fluxscope
