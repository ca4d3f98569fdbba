// Numbers drawn the same way on every machine: the standard library's distributions differ from one library to the next, so
// generators draw from this alone.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

namespace fluxscope::tasks {

// A stream of SplitMix64: the n-th number is a function of seed and n. Streams of one seed that differ in `stream` are
// independent, so that drawing one filler sentence more leaves the facts of a sample alone.
class Random {
public:
    explicit Random(std::uint64_t seed, std::string_view stream = {})
        : state_(mixed(seed) ^ hashOf(stream)) {}

    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15U;
        return mixed(state_);
    }
    // 0 .. bound-1; bound from 1 to 2^32. The bias is below bound / 2^32.
    std::uint32_t below(std::uint64_t bound) {
        return static_cast<std::uint32_t>(((next() >> 32U) * bound) >> 32U);
    }
    // Both ends included.
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least + std::int64_t{below(static_cast<std::uint64_t>(most - least + 1))};
    }
    // 0 <= x < 1, a multiple of 2^-53.
    double unit() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
    bool oneIn(std::uint64_t many) { return below(many) == 0; }

    template <class List>
    const auto& of(const List& list) {
        return list[below(list.size())];
    }
    template <class List>
    void shuffle(List& list) {
        for (std::size_t left = list.size(); left > 1; --left) {
            const std::size_t pick = below(left);
            if (pick != left - 1) std::swap(list[pick], list[left - 1]);
        }
    }

    static constexpr std::uint64_t hashOf(std::string_view text) {
        std::uint64_t hash = 0xCBF29CE484222325U;
        for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
        return hash;
    }
    static constexpr std::uint64_t mixed(std::uint64_t x) {
        x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
        x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
        return x ^ (x >> 31U);
    }

private:
    std::uint64_t state_;
};

}  // namespace fluxscope::tasks
