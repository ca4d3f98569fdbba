#include "engine/generate/steps_ahead.h"

#include "engine/contract/error.h"

namespace fluxscope {

void runAhead(SteppedBatch& batch, const CancelToken& cancel) {
    std::int64_t enqueued = 0;
    std::int64_t read = 0;
    while (!batch.empty()) {
        const std::int64_t most = read + batch.stepsLeft();
        for (bool ended = false; !ended || read < enqueued;) {
            if (cancel.cancelled()) throw CancelledError("the run");
            while (!ended && enqueued < most && enqueued - read <= kStepsAhead)
                batch.enqueue(StepIndex::of(++enqueued));
            ended |= batch.read(StepIndex::of(++read));
        }
        batch.settle(StepIndex::of(read));
    }
}

}  // namespace fluxscope
