// Another tool's file as a run of a capture (docs/importing.md): an export of Nsight Systems (SQLite), a trace of PyTorch's
// profiler (Chrome JSON, .gz too), or the decisions of another engine (JSON lines). The file itself says which it is.
#pragma once

#include "profiler/exchange/exchange.h"

#include <filesystem>

namespace fluxscope {

// A capture that is there already gets one run more, or stays as it was. Throws InputError about either file, MachineError,
// CancelledError.
ExchangeSummary importFile(const std::filesystem::path& file, const std::filesystem::path& capture,
                           const ExchangeOptions& options = {});

}  // namespace fluxscope
