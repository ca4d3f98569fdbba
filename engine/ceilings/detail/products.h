// Square matrix products in one type, by whoever can make them here.
#pragma once

#include "engine/ceilings/detail/repeats.h"

#include <vector>

namespace fluxscope {

// Of random numbers: a GPU multiplies zeros faster than anything a model has.
std::vector<Repeated> productsOf(const Compute& compute, std::int64_t side);

}  // namespace fluxscope
