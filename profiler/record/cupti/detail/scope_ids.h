// A scope as 64 bits that travel with a launch, and back.
//
// The upper half numbers what is met again and again: run, batch, turn, phase, layer, op. The lower half is the step, or with
// its highest bit set the chunk, of which there are too many to number.
#pragma once

#include "engine/contract/observer.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace fluxscope {

using ScopeTicket = std::uint64_t;
constexpr ScopeTicket kNoTicket = 0;

struct RunPlace {
    std::uint32_t run = 0;  // counts the runs of this process; 0: between runs
    ScopeKey key;

    friend bool operator==(const RunPlace&, const RunPlace&) = default;
};

class ScopeIds {
public:
    // On the thread that launches.
    void setRun(std::uint32_t run) { run_ = run; }
    ScopeTicket ticketOf(const ScopeKey& key);

    // On one other thread. Absent: not one of ours.
    std::optional<RunPlace> placeOf(ScopeTicket ticket);

    // For recorded buffers.
    std::vector<RunPlace> entries();
    void restore(std::vector<RunPlace> entries);

private:
    struct HashOfPlace {
        std::size_t operator()(const RunPlace& place) const;
    };

    std::uint32_t run_ = 0;
    std::unordered_map<RunPlace, std::uint32_t, HashOfPlace> numbers_;  // the launching thread's
    std::vector<RunPlace> known_;                                       // the other thread's
    std::mutex mutex_;
    std::vector<RunPlace> entries_;  // number n is at n - 1
};

}  // namespace fluxscope
