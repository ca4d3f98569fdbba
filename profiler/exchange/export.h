// A capture for other tools (docs/exporting.md). Each throws InputError when it is not a capture, MachineError when the result
// cannot be written, CancelledError.
#pragma once

#include "profiler/exchange/exchange.h"

#include <filesystem>

namespace fluxscope {

// Perfetto's protobuf, for ui.perfetto.dev and trace_processor.
ExchangeSummary exportPerfetto(const std::filesystem::path& capture, const std::filesystem::path& file,
                               const ExchangeOptions& options = {});

// JSON as PyTorch's profiler (Kineto) writes it; gzip where the name ends in .gz.
ExchangeSummary exportChrome(const std::filesystem::path& capture, const std::filesystem::path& file,
                             const ExchangeOptions& options = {});

// The tables as CSV, a file each (RFC 4180). The folder is made; files of other names in it stay.
ExchangeSummary exportCsv(const std::filesystem::path& capture, const std::filesystem::path& folder,
                          const ExchangeOptions& options = {});

// The same tables in one file: {"format": "fluxscope-export", "version": 1, "capture": FILE, "tables": {NAME: [{...}]}}.
ExchangeSummary exportJson(const std::filesystem::path& capture, const std::filesystem::path& file,
                           const ExchangeOptions& options = {});

}  // namespace fluxscope
