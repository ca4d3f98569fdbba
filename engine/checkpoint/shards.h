// The weights of a folder: model.safetensors, or the shards that model.safetensors.index.json names.
#pragma once

#include "engine/checkpoint/safetensors.h"

#include <filesystem>
#include <map>
#include <string>

namespace fluxscope {

// Maps the files and reads their headers. Throws InputError when a shard or a tensor in it is not there.
std::map<std::string, StoredTensor> openWeights(const std::filesystem::path& folder);

}  // namespace fluxscope
