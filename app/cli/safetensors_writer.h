// Writes a .safetensors file: eight bytes of header length, a JSON header, the tensors' bytes in order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace fluxscope::cli {

struct NamedTensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::variant<std::span<const float>, std::span<const std::int32_t>> values;  // F32 or I32, row major
};

// The file appears whole or not at all. Throws MachineError where it cannot be written.
void writeSafetensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors);

}  // namespace fluxscope::cli
