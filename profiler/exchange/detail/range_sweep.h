// Which range was a call of the host made in? Ranges and calls of a thread come in the order of their beginning, and a stack of the
// open ranges answers: each is looked at once, however many there are.
//
// A range says what its name says; what it leaves open is that of the range around it. Where nothing says which step it is, forward
// passes are counted: a new one begins when the layers start over, or with a new range named after a phase.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/exchange/detail/place_name.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace fluxscope {

// A scope in 64 bits: there are as many of them as kernels. 0: nobody's.
class PackedPlace {
public:
    PackedPlace() = default;
    explicit PackedPlace(const ScopeKey& key);
    std::optional<ScopeKey> key() const;
    explicit operator bool() const { return bits_ != 0; }

private:
    std::uint64_t bits_ = 0;
};

class RangeSweep {
public:
    struct Closed {
        ScopeKey key;
        Nanoseconds begin{};
        Nanoseconds end{};
    };

    // Ranges that have ended by then, the innermost first. Call it before what begins at `now`, and at the end of a thread
    // without a time.
    template <class Tell>
    void closeUntil(std::optional<Nanoseconds> now, Tell tell) {
        while (!open_.empty() && (!now || open_.back().end <= *now)) {
            const Open& last = open_.back();
            if (last.isScope) tell(Closed{last.key, last.begin, last.end});
            open_.pop_back();
        }
    }
    // False when there are too many at once; the range is then left out.
    bool open(const NamedPlace& named, Nanoseconds begin, Nanoseconds end);
    // Of what happens now, between closeUntil and the next.
    PackedPlace place() const;
    void newThread();

private:
    static constexpr std::size_t kMostOpen = 4096;
    struct Open {
        ScopeKey key;
        Nanoseconds begin{};
        Nanoseconds end{};
        bool isScope = true;
        bool saysStep = false;  // it, or one around it
        bool saysPhase = false;
    };

    std::vector<Open> open_;
    std::int32_t pass_ = -1;  // counted
    std::int32_t lastLayer_ = -1;
};

}  // namespace fluxscope
