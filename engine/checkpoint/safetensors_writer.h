// Writes a safetensors file so that it is there whole or not at all: into a file beside it, to the disk, then renamed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

struct TensorToWrite {
    std::string name;
    std::string typeName;  // as in the header: F32, BF16
    std::vector<std::int64_t> shape;
    const void* data = nullptr;
    std::int64_t bytes = 0;
};

// Throws MachineError when the disk is full or the folder cannot be written; what was there before is there still.
void saveSafetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors,
                     const std::map<std::string, std::string>& metadata);
// Any file, in the same way.
void saveWhole(const std::filesystem::path& file, std::string_view content);

}  // namespace fluxscope
