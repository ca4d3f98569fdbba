// Models in other forms: quantized weights, GGUF, pickles, adapters. They are not read, and each is refused by its name and
// with the way to weights that are.
#pragma once

#include "engine/checkpoint/safetensors.h"

#include <filesystem>
#include <map>
#include <string>

namespace fluxscope {

class JsonFields;

// What config.json says of quantization.
void refuseQuantized(const JsonFields& config);
// What the names of tensors tell where config.json is silent.
void refuseQuantizedTensors(const std::map<std::string, StoredTensor>& tensors);
// A path that is one file, or a folder without safetensors or without config.json: says what is there instead.
void refuseForeignFiles(const std::filesystem::path& folder);

}  // namespace fluxscope
