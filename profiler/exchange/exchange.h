// Captures for other tools, and other tools' files as captures. What export and import have in common.
//
// Everything streams: memory does not grow with the number of kernels of an export, and by 16 bytes each in an import. A file is
// there whole or not at all.
#pragma once

#include "engine/contract/cancel.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fluxscope {

struct ExchangeOptions {
    const CancelToken* cancel = nullptr;                                       // throws CancelledError
    std::function<void(const std::string& what, double share)> progress = {};  // share of `what`, 0..1
};

struct ExchangeSummary {
    std::int64_t events = 0;           // written
    std::vector<std::string> notices;  // what was left out or is not known, a sentence each
};

}  // namespace fluxscope
