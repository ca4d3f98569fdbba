#include "tests/fuzz/fuzzing.h"

#include <unistd.h>

#include <fstream>

namespace fluxscope::fuzzing {

ScratchFolder::ScratchFolder() {
    const std::filesystem::path memory = "/dev/shm";
    const auto parent =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "fluxscope-fuzz-XXXXXX").string();
    promise(mkdtemp(pattern.data()) != nullptr, "there is room for a scratch folder");
    path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path ScratchFolder::write(const char* name, std::string_view bytes) const {
    std::ofstream out(path_ / name, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    promise(static_cast<bool>(out.flush()), "a scratch file can be written");
    return path_ / name;
}

void ScratchFolder::remove(const char* name) const {
    std::error_code ignored;
    std::filesystem::remove(path_ / name, ignored);
}

}  // namespace fluxscope::fuzzing
