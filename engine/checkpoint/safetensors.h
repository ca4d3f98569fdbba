// A safetensors file, mapped: 8 bytes of header length, a JSON header {name: {dtype, shape, data_offsets}}, the data.
// The header is not believed: offsets inside the file, no overlaps, sizes that fit dtype and shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fluxscope {

class MappedFile {
public:
    explicit MappedFile(const std::filesystem::path& file);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    const std::byte* data() const { return data_; }
    std::int64_t size() const { return size_; }

private:
    const std::byte* data_ = nullptr;
    std::int64_t size_ = 0;
};

enum class StoredType : std::uint8_t { F32, F16, BF16, Other };

struct StoredTensor {
    std::string name;
    StoredType type = StoredType::Other;
    std::string typeName;  // as in the header
    std::vector<std::int64_t> shape;
    const std::byte* data = nullptr;
    std::int64_t bytes = 0;
    std::shared_ptr<const MappedFile> mapping;  // keeps data alive
    std::string file;
};

struct SafetensorsFile {
    std::map<std::string, StoredTensor> tensors;
    std::map<std::string, std::string> metadata;
};

// Reads a part of a mapping from the disk now rather than when it is first used.
void readNow(const std::byte* data, std::int64_t bytes);
// The process lets go of the whole pages of a part it is through with; the system may keep them. They can be read again.
void letGo(const std::byte* data, std::int64_t bytes);

SafetensorsFile openSafetensors(const std::filesystem::path& file);
std::string shapeText(const std::vector<std::int64_t>& shape);  // "[512, 128]"

}  // namespace fluxscope
