// Writes a file whole or not at all: one that is cut off looks like one that is not.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>

namespace fluxscope::cli {

// What stood there before stays until the new content is complete; what is no file (a pipe, a link) is written to as it is.
// Throws MachineError.
void writeWhole(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write);

}  // namespace fluxscope::cli
