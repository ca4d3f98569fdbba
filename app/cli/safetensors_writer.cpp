#include "app/cli/safetensors_writer.h"

#include "app/cli/whole_file.h"

#include <nlohmann/json.hpp>

#include <bit>
#include <ostream>

namespace fluxscope::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

std::span<const std::byte> bytesOf(const NamedTensor& tensor) {
    return std::visit([](const auto& values) { return std::as_bytes(values); }, tensor.values);
}

}  // namespace

void writeSafetensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors) {
    nlohmann::json header = nlohmann::json::object();
    std::size_t end = 0;
    for (const NamedTensor& tensor : tensors) {
        const bool isFloat = std::holds_alternative<std::span<const float>>(tensor.values);
        const std::size_t begin = end;
        end += bytesOf(tensor).size();
        header[tensor.name] = {
            {"dtype", isFloat ? "F32" : "I32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    }
    std::string head = header.dump();
    head.resize((head.size() + 7) / 8 * 8, ' ');  // readers map the tensors: aligned to eight
    const std::uint64_t length = head.size();

    writeWhole(file, [&](std::ostream& out) {
        out.write(reinterpret_cast<const char*>(&length), sizeof length);
        out << head;
        for (const NamedTensor& tensor : tensors) {
            const auto bytes = bytesOf(tensor);
            out.write(reinterpret_cast<const char*>(bytes.data()),
                      static_cast<std::streamsize>(bytes.size()));
        }
    });
}

}  // namespace fluxscope::cli
