// Decode steps that need no word from the host between them: it enqueues up to two more before it reads what one has said. So the
// device never waits, and that a sequence has ended is found out when up to two steps too many have been computed for it. They
// are taken back, and the others go on from where they are.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/contract/index.h"
#include "kernels/kv_slot.h"

#include <cstdint>

namespace fluxscope {

inline constexpr std::int64_t kStepsAhead = kUndoSlots;  // what can be taken back

// What is stepped, as the loop below needs it: sequences on a device, or a test's.
class SteppedBatch {
public:
    SteppedBatch() = default;
    SteppedBatch(const SteppedBatch&) = delete;
    SteppedBatch& operator=(const SteppedBatch&) = delete;
    virtual ~SteppedBatch() = default;

    virtual bool empty() const = 0;
    // How many more steps may be read before a sequence is sure to have ended; >= 1. None is enqueued beyond them, for there is
    // no room for it.
    virtual std::int64_t stepsLeft() const = 0;
    virtual void enqueue(StepIndex step) = 0;
    // Waits for a step and hears what it said. True if a sequence has ended with it.
    virtual bool read(StepIndex step) = 0;
    // Everything up to `last` has been read. Sequences that have ended take back what came after their end, and leave.
    virtual void settle(StepIndex last) = 0;
};

// From step 1 on, until no sequence is left. Throws CancelledError.
void runAhead(SteppedBatch& batch, const CancelToken& cancel);

}  // namespace fluxscope
