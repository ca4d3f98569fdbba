#include "profiler/capture/journal.h"

#include "profiler/store/writing_lock.h"

#include <array>
#include <fstream>
#include <system_error>

namespace fluxscope {
namespace {

// Bytes 18 and 19 of an SQLite file say who may write and read it; 2 is "with a write-ahead log".
bool wantsWriteAheadLog(const std::filesystem::path& file) {
    std::array<char, 20> header{};
    std::ifstream in(file, std::ios::binary);
    return in.read(header.data(), header.size()) && header[18] == 2 && header[19] == 2;
}

}  // namespace

std::string journalProblem(const std::filesystem::path& file) {
    if (!wantsWriteAheadLog(file) || isBeingWritten(file)) return {};
    const std::filesystem::path log = file.string() + "-wal";
    std::error_code error;
    if (std::filesystem::exists(log, error)) {
        return "its recording was not finished, and part of it is in " + log.filename().string() +
               " beside it; copy both, or make one file of them with 'capture pack'";
    }
    return "its recording was not finished, and " + log.filename().string() +
           " is missing beside it: what was recorded last may have been in it; look for it where the capture was recorded";
}

}  // namespace fluxscope
