// One piece of work again and again: how fast it was each time.
#pragma once

#include "engine/ceilings/ceilings.h"
#include "engine/transformer/compute.h"

namespace fluxscope {

struct Repeated {
    std::string what;
    std::string how;
    std::int64_t amount = 0;  // bytes or FLOPs
    std::function<void()> once;
};

// Once untimed, then until the plan's seconds are over. On a GPU the device's own clock is read, between two events of its stream.
CeilingRate rateOf(const Repeated& work, const Compute& compute, const CeilingPlan& plan,
                   const CancelToken& cancel);

// amount / seconds of each repeat; `seconds` is not empty and above 0.
CeilingRate rateOf(std::string what, std::string how, std::int64_t amount,
                   const std::vector<double>& seconds);

}  // namespace fluxscope
