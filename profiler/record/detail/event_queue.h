// From the engine's thread to the writer's. A ring of fixed size that neither side waits for.
//
// When the writer falls behind, what matters least is dropped first: a detail while a quarter of the ring is still free,
// structure while an eighth is. What is essential is never dropped: once the ring is full it spills into a list, and because
// nothing enters the ring while there is a spill, the order of what is kept stays that of the engine's events.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace fluxscope {

enum class Weight { Detail, Structure, Essential };

template <class Event>
class EventQueue {
public:
    explicit EventQueue(std::size_t capacity) : slots_(std::bit_ceil(capacity)) {}

    // By the one producer. False: dropped.
    bool push(Event event, Weight weight) {
        if (!spilling_.load(std::memory_order_acquire)) {
            const std::size_t tail = tail_.load(std::memory_order_relaxed);
            const std::size_t used = tail - head_.load(std::memory_order_acquire);
            if (slots_.size() - used > reservedFrom(weight)) {
                slots_[tail & (slots_.size() - 1)] = std::move(event);
                tail_.store(tail + 1, std::memory_order_release);
                return true;
            }
        }
        if (weight != Weight::Essential) return false;
        const std::lock_guard lock(spillMutex_);
        spill_.push_back(std::move(event));
        spilling_.store(true, std::memory_order_release);
        return true;
    }

    bool isHalfFull() const {
        return tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_relaxed) >=
               slots_.size() / 2;
    }

    // By the one consumer: everything that is there, in order. `take` may throw; what it was given is gone then.
    template <class Take>
    void drain(Take take) {
        drainRing(take);
        while (spilling_.load(std::memory_order_acquire)) {
            // The producer does not touch the ring now: what it put there before its first spill comes first.
            drainRing(take);
            std::vector<Event> spilled;
            {
                const std::lock_guard lock(spillMutex_);
                spilled.swap(spill_);
                if (spilled.empty()) spilling_.store(false, std::memory_order_release);
            }
            for (Event& event : spilled) take(std::move(event));
        }
    }

private:
    std::size_t reservedFrom(Weight weight) const {
        switch (weight) {
            case Weight::Detail: return slots_.size() / 4;
            case Weight::Structure: return slots_.size() / 8;
            case Weight::Essential: return 0;
        }
        return 0;
    }

    template <class Take>
    void drainRing(Take& take) {
        const std::size_t tail = tail_.load(std::memory_order_acquire);
        for (std::size_t head = head_.load(std::memory_order_relaxed); head != tail; ++head) {
            Event event = std::move(slots_[head & (slots_.size() - 1)]);
            head_.store(head + 1, std::memory_order_release);
            take(std::move(event));
        }
    }

    std::vector<Event> slots_;
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
    alignas(64) std::atomic<bool> spilling_{false};
    std::mutex spillMutex_;
    std::vector<Event> spill_;
};

}  // namespace fluxscope
