// Random numbers whose state is one number, so that a checkpoint can hold it: splitmix64.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace fluxscope::train {

class Random {
public:
    explicit Random(std::uint64_t state) : state_(state) {}

    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ z >> 27U) * 0x94D049BB133111EBULL;
        return z ^ z >> 31U;
    }
    // Above 0, below 1.
    double uniform() { return (static_cast<double>(next() >> 11U) + 0.5) * 0x1p-53; }
    double normal() {
        const double radius = std::sqrt(-2 * std::log(uniform()));
        return radius * std::cos(2 * std::numbers::pi * uniform());
    }
    double gumbel() { return -std::log(-std::log(uniform())); }

    std::uint64_t state() const { return state_; }

private:
    std::uint64_t state_;
};

// A seed of its own for the n-th of something, the same whenever it is asked for.
inline std::uint64_t seedOf(std::uint64_t seed, std::uint64_t n) {
    return Random(seed ^ Random(n).next()).next();
}

}  // namespace fluxscope::train
