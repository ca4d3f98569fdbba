// Keeps the host at most two chunks ahead of the device, so that cancelling is felt within three. On the CPU work is done when
// it is asked for, and only the question is left whether to go on.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/transformer/compute.h"

#include <c10/core/Event.h>

#include <deque>

namespace fluxscope {

class Pace {
public:
    Pace(const Compute& compute, const CancelToken& cancel) : compute_(compute), cancel_(cancel) {}

    // Throws CancelledError. Asked before every chunk and between its parts: the first of each may load a library's kernels, and
    // a process's first chunk so takes many times what a chunk takes.
    void goOn() const;
    void afterChunk();

private:
    static constexpr std::size_t kChunksAhead = 2;

    const Compute& compute_;
    const CancelToken& cancel_;
    std::deque<c10::Event> inFlight_;
};

}  // namespace fluxscope
