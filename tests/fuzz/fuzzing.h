// What the fuzz targets share. A target takes bytes as the file that a stranger wrote; an Error is the right answer to nearly
// all of them, and anything else that is thrown, a crash, a hang or a broken promise is a find.
#pragma once

#include "engine/contract/error.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace fluxscope::fuzzing {

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// One input as two files: what stands before the first byte 0, and what behind.
inline std::pair<std::string_view, std::string_view> twoParts(std::string_view input) {
    const std::size_t zero = input.find('\0');
    if (zero == std::string_view::npos) return {input, {}};
    return {input.substr(0, zero), input.substr(zero + 1)};
}

inline void promise(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
}

// An error is one line for people.
template <class Try>
void expectAnswerOrError(Try attempt) {
    try {
        attempt();
    } catch (const Error& e) {
        const std::string_view said = e.what();
        promise(!said.empty() && said.find('\n') == std::string_view::npos, "an error is one line");
    }
}

// A folder in memory, this process's own, gone when it ends.
class ScratchFolder {
public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    std::filesystem::path write(const char* name, std::string_view bytes) const;
    void remove(const char* name) const;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace fluxscope::fuzzing
