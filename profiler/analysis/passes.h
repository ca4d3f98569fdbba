// The passes that go with a run: `--collect all` records a run once for its times, and once more each for the timeline and for the
// counters, with the same prompts, tokens and decisions.
#pragma once

#include "profiler/capture/snapshot.h"

#include <optional>

namespace fluxscope {

struct Passes {
    std::optional<RunIndex> timeline;
    std::optional<RunIndex> counters;
};

// Of several, the last that finished. A timeline run is its own timeline pass, a counters run its own counters. Prompts are the same
// when their ids and lengths are: a repeated pass is given token ids, not texts.
Passes passesOf(const Snapshot& snapshot, RunIndex run);

}  // namespace fluxscope
