#include "app/start/sample.h"

#include "engine/contract/error.h"

#include <cstdlib>
#include <system_error>

namespace fluxscope {
namespace {

namespace fs = std::filesystem;

// bin/ of a build folder lies three levels under the root of a clone, bin/ of a bundle one under its own.
constexpr int kLevelsUp = 4;

std::optional<fs::path> foundAbove(const fs::path& relative) {
    fs::path folder = programFolder();
    for (int level = 0; level < kLevelsUp && !folder.empty(); ++level, folder = folder.parent_path()) {
        std::error_code ignored;
        if (fs::exists(folder / relative, ignored)) return folder / relative;
        if (folder == folder.root_path()) break;
    }
    return std::nullopt;
}

}  // namespace

fs::path programFolder() {
    std::error_code failed;
    const fs::path program = fs::read_symlink("/proc/self/exe", failed);
    return failed ? fs::current_path() : program.parent_path();
}

fs::path modelFolder(const std::string& argument) {
    if (argument != "sample") return argument;
    if (const char* given = std::getenv("FLUXSCOPE_SAMPLE_MODEL"); given != nullptr && *given != '\0')
        return given;
    if (const auto found = foundAbove("sample_data/model/config.json")) return found->parent_path();
    throw InputError{
        "sample", "", "is not beside this program",
        "keep sample_data/model in a folder above it, or set FLUXSCOPE_SAMPLE_MODEL to a model's folder"};
}

std::optional<fs::path> samplePrompts() { return foundAbove("sample_data/prompts/routing.jsonl"); }

}  // namespace fluxscope
