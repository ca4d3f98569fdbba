// Two workers side by side, one of which records: how much slower it is.
//
// The question is the user's: how much slower is a run because FluxScope records it? So one worker records nothing at all (no capture, no
// collector, a GPU's tracing not attached) and the other one writes a capture with its collector, into the folder for temporary files. Both
// do the same run over the same random tokens. Runs alternate A B B A, so that whatever drifts hits both alike; and both workers are started
// anew for as long as that takes no longer than what they measure, for two processes are never quite equally fast.
#pragma once

#include "app/cli/worker.h"
#include "app/serve/overhead.h"
#include "engine/contract/run.h"

#include <cstdint>
#include <functional>
#include <string>

namespace fluxscope::cli {

struct OverheadPlan {
    std::string model;  // a folder
    std::string device;
    std::string dtype;
    std::string collect;
    RunRequest request;
    std::int64_t pairs = 0;
};

struct MeasuredOverhead {
    Overhead overhead;
    std::string collector;  // as the capture names it: "auto: host-timer"
};

// `count` ids below `vocabulary`, always the same ones.
std::vector<TokenId> syntheticPrompt(std::int64_t count, std::int32_t vocabulary);

// `progress` hears a line for people. Throws what a worker throws.
MeasuredOverhead measureOverhead(const OverheadPlan& plan, const CancelToken& cancel,
                                 const std::function<void(const std::string&)>& progress);

}  // namespace fluxscope::cli
