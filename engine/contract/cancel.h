#pragma once

#include <atomic>

namespace fluxscope {

// Asks whatever runs to stop. May be pulled from any thread and from a signal handler; once pulled it stays so.
class CancelToken {
public:
    void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
    bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> cancelled_{false};
};

}  // namespace fluxscope
