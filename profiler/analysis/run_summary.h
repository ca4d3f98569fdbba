// One run in a dozen numbers, each with its origin. What is not there is not guessed: the number is missing and says why.
#pragma once

#include "profiler/analysis/origin.h"
#include "profiler/capture/snapshot.h"

#include <string>
#include <vector>

namespace fluxscope {

struct RunSummary {
    RunIndex run;
    std::string policy;
    std::string sparse;
    std::string role;
    std::string outcome;  // "finished", "cancelled", "failed", "running", "lost"
    std::string reason;
    std::int64_t prompts = 0;
    std::int64_t promptTokens = 0;
    std::int64_t generatedTokens = 0;
    std::int64_t dropped = 0;

    Quantity prefillSeconds;  // over all batches
    Quantity decodeTokensPerSecond;
    Quantity timeToFirstTokenSeconds;  // median over prompts
    Quantity fullShare;                // of (layer, prompt) pairs
    Quantity kvKeptBytes;              // summed over prompts
    Quantity kvFreedBytes;             // what full caches would have held more
    Quantity bytesMoved;
    Quantity routerShare;        // of the time in all steps
    Quantity unattributedShare;  // time outside all layers
};

std::vector<RunSummary> runSummaries(const Snapshot& snapshot);

}  // namespace fluxscope
