// A file that is there whole or not at all: written under another name, and renamed when it is complete. gzip where its name ends
// in .gz.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct gzFile_s;  // NOLINT(readability-identifier-naming): zlib's

namespace fluxscope {

class OutputFile {
public:
    // Throws MachineError, as the others do.
    explicit OutputFile(std::filesystem::path file);
    ~OutputFile();  // takes away what was not finished
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    void write(std::string_view bytes) {
        buffer_ += bytes;
        if (buffer_.size() >= kBuffer) flush();
    }
    void flush();
    void finish();

private:
    static constexpr std::size_t kBuffer = 1 << 20;
    struct CloseFile {
        void operator()(std::FILE* file) const;
    };

    [[noreturn]] void fail() const;

    std::filesystem::path file_;
    std::filesystem::path unfinished_;
    std::unique_ptr<std::FILE, CloseFile> plain_;
    gzFile_s* packed_ = nullptr;
    std::string buffer_;
};

}  // namespace fluxscope
