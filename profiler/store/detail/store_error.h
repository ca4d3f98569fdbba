// What SQLite reports, as one sentence with a remedy.
#pragma once

#include "engine/contract/error.h"

#include <SQLiteCpp/Exception.h>

#include <string>

namespace fluxscope {

MachineError storeError(const std::string& file, const SQLite::Exception& e);

}  // namespace fluxscope
