// What is to be said about the selection, as lines of name, value and origin.
#pragma once

#include "profiler/capture/snapshot.h"
#include "profiler/figure/tooltip.h"
#include "views/state/view_state.h"

namespace fluxscope {

// The smallest thing selected: a step of a layer, a layer of a prompt, a prompt, or else the latest run; of a capture without runs, the
// training that is selected, or else the latest.
// No lines when the snapshot has nothing of the kind.
Tooltip factsOf(const Snapshot& snapshot, const Selection& selection);

}  // namespace fluxscope
