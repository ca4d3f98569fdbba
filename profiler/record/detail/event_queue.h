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

    // By the one producer; anything an event can be assigned from, which then goes straight to its place. False: dropped.
    template <class Given>
    bool push(Given&& event, Weight weight) {
        if (!spilling_.load(std::memory_order_acquire)) {
            const std::size_t tail = tail_.load(std::memory_order_relaxed);
            // The consumer's counter is looked at only when what is known of it does not do: while the consumer works, its cache line
            // would go to and fro between two cores with each event.
            std::size_t used = tail - knownHead_;
            if (used >= slots_.size() / 2) {
                knownHead_ = head_.load(std::memory_order_acquire);
                used = tail - knownHead_;
            }
            if (slots_.size() - used > reservedFrom(weight)) {
                slots_[tail & (slots_.size() - 1)] = std::forward<Given>(event);
                tail_.store(tail + 1, std::memory_order_release);
                return true;
            }
        }
        if (weight != Weight::Essential) return false;
        const std::lock_guard lock(spillMutex_);
        spill_.emplace_back(std::forward<Given>(event));
        spilling_.store(true, std::memory_order_release);
        return true;
    }

    // By the producer.
    bool isHalfFull() const {
        return tail_.load(std::memory_order_relaxed) - knownHead_ >= slots_.size() / 2;
    }

    // By the one consumer: everything that is there, in order, each where it lies. `take` may throw; what it was given is gone then.
    // Where `isEnough` says so before one, the others stay.
    template <class Take, class IsEnough>
    void drain(Take take, IsEnough isEnough) {
        drainRing(take, isEnough);
        while (spilling_.load(std::memory_order_acquire) && !isEnough()) {
            // The producer does not touch the ring now: what it put there before its first spill comes first.
            drainRing(take, isEnough);
            if (isEnough()) return;
            std::vector<Event> spilled;
            {
                const std::lock_guard lock(spillMutex_);
                spilled.swap(spill_);
                if (spilled.empty()) spilling_.store(false, std::memory_order_release);
            }
            for (Event& event : spilled) take(std::move(event));
        }
    }

    template <class Take>
    void drain(Take take) {
        drain(std::move(take), [] { return false; });
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

    template <class Take, class IsEnough>
    void drainRing(Take& take, IsEnough& isEnough) {
        const std::size_t tail = tail_.load(std::memory_order_acquire);
        for (std::size_t head = head_.load(std::memory_order_relaxed); head != tail && !isEnough(); ++head) {
            const Freed freed{slots_[head & (slots_.size() - 1)], head_, head + 1};
            take(std::move(freed.slot));
        }
    }

    // A slot is the consumer's until the counter has gone past it, and keeps nothing of its event alive.
    struct Freed {
        Event& slot;
        std::atomic<std::size_t>& head;
        std::size_t next;

        Freed(Event& taken, std::atomic<std::size_t>& counter, std::size_t after)
            : slot(taken), head(counter), next(after) {}
        Freed(const Freed&) = delete;
        Freed& operator=(const Freed&) = delete;
        ~Freed() {
            slot = Event{};
            head.store(next, std::memory_order_release);
        }
    };

    std::vector<Event> slots_;
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::size_t knownHead_ = 0;  // the producer's: it is at least as far
    alignas(64) std::atomic<bool> spilling_{false};
    std::mutex spillMutex_;
    std::vector<Event> spill_;
};

}  // namespace fluxscope
