// One callable out of several lambdas, for std::visit.
#pragma once

namespace fluxscope {

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};

}  // namespace fluxscope
