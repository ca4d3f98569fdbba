#pragma once

#include <string>

namespace fluxscope {

// The one place where logging is set up. Logs go to stderr, warnings and worse unless told otherwise: `verbose` shows debug,
// and FLUXSCOPE_LOG (trace, debug, info, warn, error, off) wins over it.
void startLogging(const std::string& program, bool verbose);

}  // namespace fluxscope
