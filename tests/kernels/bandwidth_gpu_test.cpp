#include "kernels/bandwidth/bandwidth.h"
#include "tests/fixture/random.h"
#include "tests/kernels/gpu.h"

#include <numeric>

namespace fluxscope {
namespace {

class GpuBandwidth : public GpuTest {};

// Below a block, around the eight loads of every thread, and beyond, odd counts among them.
TEST_F(GpuBandwidth, sumsEveryWordOnce) {
    FixtureRandom random(3);
    constexpr std::int64_t kRound = kStreamBlocks * 256 * 8 * 2;
    for (const std::int64_t count : {std::int64_t{1}, std::int64_t{2}, std::int64_t{1001}, kRound - 2, kRound,
                                     kRound + 3, 2 * kRound + 12345}) {
        std::vector<std::uint64_t> words(static_cast<std::size_t>(count));
        for (std::uint64_t& word : words) word = random.next();
        const DeviceBuffer there(words.data(), words.size() * sizeof(std::uint64_t));
        const DeviceBuffer parts(kStreamBlocks * sizeof(std::uint64_t));
        sumCuda(there.as<std::uint64_t>(), count, parts.as<std::uint64_t>(), nullptr);
        const std::vector<std::uint64_t> sums = parts.values<std::uint64_t>();
        EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), std::uint64_t{0}),
                  sumReference(words.data(), count))
            << count;
    }
}

}  // namespace
}  // namespace fluxscope
