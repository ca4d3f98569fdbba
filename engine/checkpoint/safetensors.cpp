#include "engine/checkpoint/safetensors.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace fluxscope {
namespace {

constexpr std::int64_t kMostHeaderBytes = 100'000'000;  // the format's own limit
const char* const kDownloadAgain = "download the file again";

std::int64_t bytesOfType(const std::string& type) {
    static const std::map<std::string, std::int64_t> sizes = {
        {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
        {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
        {"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8}};
    const auto found = sizes.find(type);
    return found == sizes.end() ? 0 : found->second;
}

StoredType storedTypeOf(const std::string& type) {
    if (type == "F32") return StoredType::F32;
    if (type == "F16") return StoredType::F16;
    if (type == "BF16") return StoredType::BF16;
    return StoredType::Other;
}

std::vector<std::int64_t> shapeOf(const JsonFields& entry) {
    const nlohmann::json& list = entry.at("shape");
    std::vector<std::int64_t> shape;
    if (!list.is_array() || list.size() > 8)
        entry.refuse("shape", "is not a list of at most 8 sizes", kDownloadAgain);
    for (const nlohmann::json& size : list) {
        if (!size.is_number_unsigned() || size.get<std::uint64_t>() > (std::uint64_t{1} << 40))
            entry.refuse("shape", "has a size that is no count", kDownloadAgain);
        shape.push_back(size.get<std::int64_t>());
    }
    return shape;
}

std::pair<std::int64_t, std::int64_t> offsetsOf(const JsonFields& entry, std::int64_t dataBytes) {
    const nlohmann::json& pair = entry.at("data_offsets");
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_unsigned() ||
        !pair[1].is_number_unsigned())
        entry.refuse("data_offsets", "is not a pair of positions", kDownloadAgain);
    const auto begin = pair[0].get<std::uint64_t>();
    const auto end = pair[1].get<std::uint64_t>();
    if (begin > end) entry.refuse("data_offsets", "end before they begin", kDownloadAgain);
    if (end > static_cast<std::uint64_t>(dataBytes))
        entry.refuse("data_offsets",
                     "end at byte " + std::to_string(end) + " of the data, of which the file has " +
                         std::to_string(dataBytes) + ": it is cut off",
                     kDownloadAgain);
    return {static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end)};
}

StoredTensor readEntry(const std::string& name, const JsonFields& entry, const std::byte* data,
                       std::int64_t dataBytes) {
    StoredTensor t;
    t.name = name;
    t.typeName = entry.text("dtype");
    t.type = storedTypeOf(t.typeName);
    t.shape = shapeOf(entry);
    const auto [begin, end] = offsetsOf(entry, dataBytes);
    const std::int64_t elementBytes = bytesOfType(t.typeName);
    if (elementBytes == 0)
        entry.refuse("dtype", "is " + printable(t.typeName, 20) + ", which is not known", kDownloadAgain);

    std::int64_t expected = elementBytes;
    for (const std::int64_t size : t.shape)
        if (__builtin_mul_overflow(expected, size, &expected))
            entry.refuse("shape", "is larger than any file", kDownloadAgain);
    if (expected != end - begin)
        entry.refuse("data_offsets",
                     "span " + std::to_string(end - begin) + " bytes, but " + printable(t.typeName, 20) +
                         " of shape " + shapeText(t.shape) + " needs " + std::to_string(expected),
                     kDownloadAgain);
    t.data = data + begin;
    t.bytes = end - begin;
    t.file = entry.file();
    return t;
}

void refuseOverlaps(const SafetensorsFile& content) {
    std::vector<const StoredTensor*> byPlace;
    for (const auto& [name, tensor] : content.tensors)
        if (tensor.bytes > 0) byPlace.push_back(&tensor);
    std::sort(byPlace.begin(), byPlace.end(), [](const auto* a, const auto* b) { return a->data < b->data; });
    for (std::size_t i = 1; i < byPlace.size(); ++i)
        if (byPlace[i - 1]->data + byPlace[i - 1]->bytes > byPlace[i]->data)
            throw InputError(
                byPlace[i]->file, byPlace[i]->name,
                "shares bytes with " + printable(byPlace[i - 1]->name, 80) + ", which no writer does",
                kDownloadAgain);
}

std::ptrdiff_t pageBytes() {
    static const std::ptrdiff_t bytes = ::sysconf(_SC_PAGESIZE);
    return bytes;
}

// How far into its page an address lies.
std::ptrdiff_t pastPage(const std::byte* at) {
    return static_cast<std::ptrdiff_t>(reinterpret_cast<std::uintptr_t>(at) %
                                       static_cast<std::uintptr_t>(pageBytes()));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    const bool readable = descriptor >= 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    void* mapped = MAP_FAILED;
    if (readable && status.st_size > 0)
        mapped =
            ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (descriptor >= 0) ::close(descriptor);
    if (!readable)
        throw InputError(file.string(), "", "is not there or cannot be read",
                         "check the path and its permissions");
    if (status.st_size == 0) throw InputError(file.string(), "", "is empty", kDownloadAgain);
    if (mapped == MAP_FAILED)
        throw MachineError(file.string(), "", "cannot be mapped into memory",
                           "close other programs or raise the address space limit");
    data_ = static_cast<const std::byte*>(mapped);
    size_ = status.st_size;
}

MappedFile::~MappedFile() {
    // munmap wants the pointer that mmap gave, which was not const.
    ::munmap(const_cast<std::byte*>(data_), static_cast<std::size_t>(size_));
}

void readNow(const std::byte* data, std::int64_t bytes) {
    const std::byte* const end = data + bytes;
    const std::byte* const begin = data - pastPage(data);
    // Advice only: without it the disk would be read in the small pieces in which the loop below asks.
    ::madvise(const_cast<std::byte*>(begin), static_cast<std::size_t>(end - begin), MADV_WILLNEED);
    for (const std::byte* at = data; at < end; at += pageBytes() - pastPage(at))
        static_cast<void>(*static_cast<const volatile std::byte*>(at));
}

void letGo(const std::byte* data, std::int64_t bytes) {
    const std::byte* const end = data + bytes - pastPage(data + bytes);
    const std::byte* const begin = data + (pageBytes() - pastPage(data)) % pageBytes();
    if (begin < end)
        ::madvise(const_cast<std::byte*>(begin), static_cast<std::size_t>(end - begin), MADV_DONTNEED);
}

std::string shapeText(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + "]";
}

SafetensorsFile openSafetensors(const std::filesystem::path& file) {
    const auto mapping = std::make_shared<const MappedFile>(file);
    const std::string where = file.string();
    std::uint64_t headerBytes = 0;
    if (mapping->size() < 8) throw InputError(where, "", "is cut off before its header", kDownloadAgain);
    std::memcpy(&headerBytes, mapping->data(), 8);  // little endian, as every machine this runs on
    if (headerBytes > static_cast<std::uint64_t>(kMostHeaderBytes))
        throw InputError(
            where, "header",
            "is said to have " + std::to_string(headerBytes) + " bytes, which no safetensors file has",
            "give a safetensors file; pickled checkpoints are never read");
    if (headerBytes > static_cast<std::uint64_t>(mapping->size() - 8))
        throw InputError(where, "header",
                         "has " + std::to_string(headerBytes) + " bytes but the file ends after " +
                             std::to_string(mapping->size() - 8) + ": it is cut off",
                         kDownloadAgain);
    const auto header = static_cast<std::int64_t>(headerBytes);
    const std::byte* data = mapping->data() + 8 + header;
    const std::int64_t dataBytes = mapping->size() - 8 - header;

    // The text is read where it lies in the file.
    const std::string_view text(reinterpret_cast<const char*>(mapping->data() + 8),
                                static_cast<std::size_t>(header));
    const nlohmann::json json = parseJsonObject(text, where);
    SafetensorsFile content;
    for (const auto& [name, value] : json.items()) {
        if (!value.is_object())
            throw InputError(where, name, "is not an object of the header", kDownloadAgain);
        if (name == "__metadata__") {
            for (const auto& [key, entry] : value.items())
                if (entry.is_string()) content.metadata.emplace(key, entry.get<std::string>());
            continue;
        }
        StoredTensor tensor = readEntry(name, JsonFields(value, where, name + "."), data, dataBytes);
        tensor.mapping = mapping;
        content.tensors.emplace(name, std::move(tensor));
    }
    refuseOverlaps(content);
    return content;
}

}  // namespace fluxscope
