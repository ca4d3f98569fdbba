#include "app/cli/whole_file.h"

#include "engine/contract/error.h"

#include <unistd.h>

#include <fstream>
#include <system_error>

namespace fluxscope::cli {

void writeWhole(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write) {
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
        throw MachineError{file.string(), "", "cannot be written",
                           "check that its folder exists and the disk has room"};
    }
}

}  // namespace fluxscope::cli
