// The CPU kernels as the tests call them: one thread or several, in fp32 or in 16 bits.
#pragma once

#include "kernels/parallel.h"
#include "tests/kernels/world.h"

#include <atomic>
#include <bit>
#include <thread>
#include <vector>

namespace fluxscope {

// As many threads as asked for, and tasks handed out from the last to the first: an order nobody promised.
inline ParallelFor onThreads(int threads) {
    return [threads](std::int64_t count, const std::function<void(std::int64_t)>& body) {
        std::atomic<std::int64_t> left = count;
        std::vector<std::thread> others;
        for (int i = 0; i < threads; ++i)
            others.emplace_back([&] {
                for (std::int64_t task = --left; task >= 0; task = --left) body(task);
            });
        for (std::thread& other : others) other.join();
    };
}

// Numbers of 16 bits, converted here and not by what is tested. Normal numbers only; ties to even.
template <cost::DType kType>
struct Narrow16 {
    std::uint16_t bits = 0;

    static constexpr unsigned kMantissa = kType == cost::DType::BF16 ? 7 : 10;
    static constexpr std::uint32_t kBias = kType == cost::DType::BF16 ? 0 : 112U << 23U;

    Narrow16() = default;
    explicit Narrow16(float value) {
        const auto wide = std::bit_cast<std::uint32_t>(value);
        std::uint32_t magnitude = wide & 0x7FFFFFFFU;
        if (magnitude < kBias + (1U << 23U)) magnitude = kBias;  // too small: 0
        magnitude -= kBias;
        const std::uint32_t cut = 23U - kMantissa;
        magnitude += (1U << (cut - 1U)) - 1U + (magnitude >> cut & 1U);
        bits = static_cast<std::uint16_t>((wide >> 16U & 0x8000U) | magnitude >> cut);
    }
    explicit operator float() const {
        const std::uint32_t magnitude = (bits & 0x7FFFU) << (23U - kMantissa);
        return std::bit_cast<float>((bits & 0x8000U) << 16U | (magnitude ? magnitude + kBias : 0U));
    }
};
using TestBf16 = Narrow16<cost::DType::BF16>;
using TestF16 = Narrow16<cost::DType::F16>;

template <class To, class From>
std::vector<To> converted(const std::vector<From>& values) {
    std::vector<To> result;
    result.reserve(values.size());
    for (const From& value : values) result.push_back(static_cast<To>(value));
    return result;
}

// A world of numbers that T holds exactly, so that only the kernel rounds.
template <class T>
AttentionWorld worldIn(const cost::AttentionShape& shape, cost::DType type) {
    AttentionWorld world(shape);
    for (std::vector<float>* values : {&world.q, &world.k, &world.v})
        *values = converted<float>(converted<T>(*values));
    world.shape.type = type;
    return world;
}

// A rounding of T away from values around 1 to 4, on top of what fp32 leaves.
constexpr float toleranceOf(cost::DType type) {
    return type == cost::DType::F32 ? 1e-5F : type == cost::DType::F16 ? 2e-3F : 2e-2F;
}

}  // namespace fluxscope
