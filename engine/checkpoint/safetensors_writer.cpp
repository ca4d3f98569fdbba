#include "engine/checkpoint/safetensors_writer.h"

#include "engine/contract/error.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fluxscope {
namespace {

// The file while it is written. Whoever does not finish() leaves nothing behind.
class Draft {
public:
    explicit Draft(const std::filesystem::path& file) : file_(file), draft_(file.string() + ".writing") {
        descriptor_ = ::open(draft_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (descriptor_ < 0) fail(errno);
    }
    ~Draft() {
        if (descriptor_ < 0) return;
        ::close(descriptor_);
        ::unlink(draft_.c_str());
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;

    void write(const void* data, std::int64_t bytes) {
        const auto* at = static_cast<const char*>(data);
        while (bytes > 0) {
            const ::ssize_t written = ::write(descriptor_, at, static_cast<std::size_t>(bytes));
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) fail(written == 0 ? ENOSPC : errno);
            at += written;
            bytes -= written;
        }
    }

    void finish() {
        if (::fsync(descriptor_) != 0) fail(errno);
        if (::rename(draft_.c_str(), file_.c_str()) != 0) fail(errno);
        ::close(descriptor_);
        descriptor_ = -1;
        // The folder has the new name only when it is on the disk itself; where that cannot be asked for, time does it.
        const int folder = ::open(file_.parent_path().empty() ? "." : file_.parent_path().c_str(),
                                  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) return;
        ::fsync(folder);
        ::close(folder);
    }

private:
    [[noreturn]] void fail(int error) const {
        throw MachineError(file_.string(), "",
                           "cannot be written (" + std::string(std::strerror(error)) + ")",
                           error == ENOSPC || error == EDQUOT || error == EFBIG
                               ? "free some space there; what was written before is intact"
                               : "check that the folder is there and may be written");
    }

    std::filesystem::path file_;
    std::filesystem::path draft_;
    int descriptor_ = -1;
};

}  // namespace

void saveSafetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors,
                     const std::map<std::string, std::string>& metadata) {
    nlohmann::ordered_json header;
    if (!metadata.empty()) header["__metadata__"] = metadata;
    std::int64_t end = 0;
    for (const TensorToWrite& tensor : tensors) {
        header[tensor.name] = {
            {"dtype", tensor.typeName}, {"shape", tensor.shape}, {"data_offsets", {end, end + tensor.bytes}}};
        end += tensor.bytes;
    }
    std::string text = header.dump();
    while (text.size() % 8 != 0) text += ' ';  // so that the data is aligned
    const std::uint64_t size = text.size();
    Draft draft(file);
    draft.write(&size, sizeof(size));  // little endian, as every machine this runs on
    draft.write(text.data(), static_cast<std::int64_t>(text.size()));
    for (const TensorToWrite& tensor : tensors) draft.write(tensor.data, tensor.bytes);
    draft.finish();
}

void saveWhole(const std::filesystem::path& file, std::string_view content) {
    Draft draft(file);
    draft.write(content.data(), static_cast<std::int64_t>(content.size()));
    draft.finish();
}

}  // namespace fluxscope
