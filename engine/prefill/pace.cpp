#include "engine/prefill/pace.h"

#include "engine/contract/error.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace fluxscope {

void Pace::goOn() const {
    if (cancel_.cancelled()) throw CancelledError("the run");
}

void Pace::afterChunk() {
    if (!compute_.isCuda()) return;
    inFlight_.emplace_back(c10::DeviceType::CUDA);
    inFlight_.back().record(c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).getStream(compute_.device));
    if (inFlight_.size() <= kChunksAhead) return;
    inFlight_.front().synchronize();
    inFlight_.pop_front();
}

}  // namespace fluxscope
