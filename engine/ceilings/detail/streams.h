// Memory: three arrays that are read, copied and added up.
#pragma once

#include "engine/ceilings/detail/repeats.h"

#include <ATen/core/Tensor.h>

namespace fluxscope {

class Streams {
public:
    // Touches every page. Throws MachineError when there is no room for them.
    Streams(const Compute& compute, const CeilingPlan& plan);

    // Their work refers to this object.
    std::vector<Repeated> all();

private:
    Repeated read();
    Repeated copy();
    Repeated triad();
    std::string arrays(int count, const char* by) const;

    Compute compute_;
    std::int64_t count_;  // of floats in each
    at::Tensor a_;
    at::Tensor b_;
    at::Tensor to_;
    at::Tensor parts_;  // of a sum on a GPU
    std::uint64_t sum_ = 0;
};

}  // namespace fluxscope
