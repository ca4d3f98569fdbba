#include "tests/engine/support.h"

#include <stdlib.h>

#include <stdexcept>

namespace fluxscope {

TempFolder::TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fluxscope-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
}

}  // namespace fluxscope
