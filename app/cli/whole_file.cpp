#include "app/cli/whole_file.h"

#include "engine/contract/error.h"

#include <unistd.h>

#include <fstream>
#include <system_error>

namespace fluxscope::cli {
namespace {

MachineError unwritable(const std::filesystem::path& file) {
    return {file.string(), "", "cannot be written", "check that its folder exists and the disk has room"};
}

}  // namespace

void writeWhole(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write) {
    std::error_code unknown;
    // A pipe, a terminal, a link such as /dev/stdout: what it leads to is written to. Another file in its place would take it away
    // from everybody.
    const std::filesystem::file_status itself = std::filesystem::symlink_status(file, unknown);
    if (std::filesystem::exists(itself) && !std::filesystem::is_regular_file(itself)) {
        std::ofstream out(file, std::ios::binary);
        write(out);
        out.close();
        if (!out) throw unwritable(file);
        return;
    }
    std::filesystem::path unfinished = file;
    unfinished += ".part" + std::to_string(::getpid());
    std::ofstream out(unfinished, std::ios::binary);
    write(out);
    out.close();
    std::error_code failed;
    if (out) std::filesystem::rename(unfinished, file, failed);
    if (!out || failed) {
        std::error_code ignored;
        std::filesystem::remove(unfinished, ignored);
        throw unwritable(file);
    }
}

}  // namespace fluxscope::cli
