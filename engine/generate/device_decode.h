// A batch whose steps choose their tokens where the model computes, up to two ahead of the host (steps_ahead.h).
#pragma once

#include "engine/decode/decode.h"
#include "engine/generate/live_sequence.h"
#include "engine/generate/loaded_model.h"
#include "engine/generate/steps_ahead.h"
#include "engine/sampling/choice_ring.h"

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace fluxscope {

class DeviceDecode final : public SteppedBatch {
public:
    // `sequences` have been prefilled, have said their first token and have not ended.
    DeviceDecode(const LoadedModel& model, const RunRequest& request, const RotaryTable& rotary,
                 const std::vector<LiveSequence*>& sequences, bool graphs, Observer& observer,
                 std::function<Tracer(StepIndex)> tracer);

    bool empty() const override { return rows_.empty(); }
    std::int64_t stepsLeft() const override;
    void enqueue(StepIndex step) override;
    bool read(StepIndex step) override;
    void settle(StepIndex last) override;

private:
    struct Row {
        LiveSequence* sequence = nullptr;
        std::optional<StepIndex> ended;
    };

    void begin();  // with these rows

    const LoadedModel& model_;
    Observer& observer_;
    std::function<Tracer(StepIndex)> tracer_;
    std::vector<Row> rows_;
    DeviceSampler sampler_;
    Decode decode_;
    std::optional<ChoiceRing> ring_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace fluxscope
