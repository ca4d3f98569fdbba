// How export and import report to a terminal, and how they are cancelled.
#pragma once

#include "app/cli/commands.h"
#include "profiler/exchange/exchange.h"

#include <string>

namespace fluxscope::cli {

inline ExchangeOptions exchangeOptions(Session& session) {
    return {.cancel = &session.cancel, .progress = [&session](const std::string& what, double share) {
                const auto percent = static_cast<int>(share * 100);
                session.terminal.progress(what + (percent > 0 ? " " + std::to_string(percent) + " %" : ""));
            }};
}

}  // namespace fluxscope::cli
