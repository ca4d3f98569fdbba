#include "profiler/capture/journal.h"

#include "profiler/store/writing_lock.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <system_error>

namespace fluxscope {
namespace fs = std::filesystem;
namespace {

// Bytes 18 and 19 of an SQLite file say who may write and read it; 2 is "with a write-ahead log".
bool wantsWriteAheadLog(const fs::path& file) {
    std::array<char, 20> header{};
    std::ifstream in(file, std::ios::binary);
    return in.read(header.data(), header.size()) && header[18] == 2 && header[19] == 2;
}

fs::path logOf(const fs::path& file) {
    fs::path log = file;
    log += "-wal";
    return log;
}

// An empty one is none: SQLite leaves one behind where it looked for a log in vain.
bool hasLog(const fs::path& file) {
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(logOf(file), error);
    return !error && bytes > 0;
}

// Whether it is being written is asked first: the writer that ends a moment later has its file in order by then.
bool isUnfinished(const fs::path& file) { return !isBeingWritten(file) && wantsWriteAheadLog(file); }

}  // namespace

std::string cutOff(const fs::path& file) {
    // SQLite's file format: page size at 16 (1 stands for 65,536), pages at 28, valid if the counters at 24 and 92 agree.
    std::array<unsigned char, 96> page{};
    std::ifstream in(file, std::ios::binary);
    if (!in.read(reinterpret_cast<char*>(page.data()), page.size())) return {};  // NOLINT: bytes of a file
    const auto number = [&page](std::size_t at, std::size_t bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = at; i < at + bytes; ++i) value = value << 8 | page.at(i);
        return value;
    };
    if (number(24, 4) != number(92, 4) || hasLog(file)) return {};
    std::error_code error;
    const std::uint64_t pageBytes = number(16, 2) == 1 ? 65536 : number(16, 2);
    const std::uint64_t wanted = pageBytes * number(28, 4);
    const std::uint64_t there = fs::file_size(file, error);
    if (error || there >= wanted) return {};
    return "the file is cut off: " + std::to_string(there) + " of " + std::to_string(wanted) +
           " bytes are there";
}

std::string missingLog(const fs::path& file) {
    if (!isUnfinished(file) || hasLog(file)) return {};
    return "it is kept with a write-ahead log, and " + logOf(file).filename().string() +
           " is missing beside it or empty: what was recorded last may have been in it; look for it "
           "where the capture was recorded";
}

std::string logBeside(const fs::path& file) {
    if (!isUnfinished(file) || !hasLog(file)) return {};
    return "its recording was not finished, and part of it is in " + logOf(file).filename().string() +
           " beside it; copy both, or make one file of them with 'capture pack'";
}

std::vector<std::string> lossesOf(const fs::path& file) {
    std::vector<std::string> losses;
    for (std::string loss : {cutOff(file), missingLog(file)}) {
        if (!loss.empty()) losses.push_back(std::move(loss));
    }
    return losses;
}

}  // namespace fluxscope
