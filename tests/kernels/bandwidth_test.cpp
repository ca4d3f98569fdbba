#include "kernels/bandwidth/bandwidth.h"

#include "tests/kernels/cpu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <new>

namespace fluxscope {
namespace {

// Memory that begins where the streams want it, and ends where the array does: a store too far is a fault of its own.
template <class T>
class Stream {
public:
    explicit Stream(std::int64_t count, T value = {})
        : count_(count), data_(static_cast<T*>(::operator new(bytes(), std::align_val_t{kStreamAlignment}))) {
        std::fill(data_, data_ + count, value);
    }
    ~Stream() { ::operator delete(data_, std::align_val_t{kStreamAlignment}); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    T* data() { return data_; }
    T& operator[](std::int64_t i) { return data_[i]; }
    std::vector<T> values() const { return {data_, data_ + count_}; }

private:
    std::size_t bytes() const {
        return static_cast<std::size_t>(std::max<std::int64_t>(count_, 1)) * sizeof(T);
    }

    std::int64_t count_;
    T* data_;
};

// Around vectors, around a task's share, and several of those.
constexpr std::int64_t kCounts[] = {0, 1, 7, 64, 1000, (1 << 18) - 1, 1 << 18, (1 << 18) + 3, (1 << 20) + 17};

TEST(Bandwidth, sumsEveryWordOnceInAnyOrder) {
    FixtureRandom random(3);
    for (const std::int64_t count : kCounts) {
        Stream<std::uint64_t> words(count);
        for (std::int64_t i = 0; i < count; ++i)
            words[i] = static_cast<std::uint64_t>(1e18 * std::abs(random.normal())) * 37;  // wraps
        const std::uint64_t truth = sumReference(words.data(), count);
        EXPECT_EQ(sumCpu(words.data(), count, serially), truth) << count;
        EXPECT_EQ(sumCpu(words.data(), count, onThreads(3)), truth) << count;
    }
}

TEST(Bandwidth, copiesAndAddsAsTheReference) {
    FixtureRandom random(5);
    for (const std::int64_t count : kCounts) {
        Stream<float> a(count);
        Stream<float> b(count);
        for (std::int64_t i = 0; i < count; ++i) {
            a[i] = random.normal();
            b[i] = random.normal();
        }
        Stream<float> copied(count, NAN);
        copyCpu(a.data(), count, copied.data(), onThreads(3));
        EXPECT_EQ(copied.values(), a.values()) << count;

        Stream<float> truth(count, NAN);
        Stream<float> summed(count, NAN);
        triadReference(a.data(), b.data(), 0.5F, count, truth.data());
        triadCpu(a.data(), b.data(), 0.5F, count, summed.data(), onThreads(3));
        EXPECT_EQ(summed.values(), truth.values()) << count << ": halving is exact, so fused or not";
    }
}

}  // namespace
}  // namespace fluxscope
