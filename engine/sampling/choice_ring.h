// What goes between the host and steps that it has enqueued ahead of itself: a few slots of pinned memory, one for each step in
// flight, used in turn. Into a slot goes what its step is given, and out of it comes what the step said.
#pragma once

#include "engine/sampling/device_sampler.h"

#include <c10/core/Event.h>

#include <optional>
#include <span>
#include <vector>

namespace fluxscope {

class ChoiceRing {
public:
    // `inFlight`: steps that may have been sent and not been read.
    ChoiceRing(const Compute& compute, std::int64_t rows, std::size_t inFlight);

    // Before a step is enqueued: what it is given, one for each row that is a sequence; the others are given token 0.
    void send(std::span<const RowInput> inputs, const DeviceSampler& sampler);
    // After it: what it says is fetched when it has been computed.
    void fetch(const DeviceSampler& sampler);
    // Waits for the oldest step that has not been read: what its first `rows` rows said.
    std::vector<TokenChoice> read(std::size_t rows);

private:
    struct Slot {
        at::Tensor drawn;
        at::Tensor given;
        at::Tensor choices;
        std::optional<c10::Event> arrived;  // on a GPU only
    };

    Compute compute_;
    std::vector<Slot> slots_;
    std::size_t sent_ = 0;  // steps so far
    std::size_t read_ = 0;
};

}  // namespace fluxscope
