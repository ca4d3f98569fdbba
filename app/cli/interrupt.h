#pragma once

#include "engine/contract/cancel.h"

namespace fluxscope::cli {

// Ctrl-C and SIGTERM cancel: what runs ends in order and its capture stays whole. A second one ends the program at once.
void cancelOnInterrupt(CancelToken& token);

}  // namespace fluxscope::cli
