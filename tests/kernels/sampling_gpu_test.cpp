// What a GPU says of rows of logits against the reference. Skipped, saying why, where there is no GPU.
#include "tests/kernels/gpu.h"
#include "tests/kernels/sampling_world.h"

#include <gtest/gtest.h>

#include <limits>

namespace fluxscope {
namespace {

class DescribeOnGpu : public GpuTest {
protected:
    static Described described(const DescribeShape& shape, const std::vector<float>& logits,
                               const std::vector<std::int64_t>& given) {
        const DeviceBuffer rows = uploaded(logits);
        const DeviceBuffer ids = uploaded(given);
        const DeviceBuffer out(static_cast<std::size_t>(shape.rows) * sizeof(RowChoice));
        const DeviceBuffer scratch(static_cast<std::size_t>(describeScratchBytes(shape)));
        // The ids are written over those that were given, as a decode step does it.
        describeCuda(shape, rows.as<float>(), ids.as<std::int64_t>(), ids.as<std::int64_t>(),
                     out.as<RowChoice>(), scratch.data(), nullptr);
        return {out.values<RowChoice>(), ids.values<std::int64_t>()};
    }
};

TEST_F(DescribeOnGpu, isTheReference) {
    for (const std::int64_t vocabulary : {1, 2, 31, 32, 33, 768, 4095, 4096, 4097, 32'000, 151'936}) {
        for (const Logits kind :
             {Logits::Spread, Logits::Coarse, Logits::Rising, Logits::Equal, Logits::MostlyImpossible}) {
            if (kind == Logits::MostlyImpossible && vocabulary < 8) continue;
            std::vector<float> logits;
            for (std::uint64_t row = 0; row < 3; ++row) {
                const std::vector<float> one = logitsOf(kind, vocabulary, 10 * row + 1);
                logits.insert(logits.end(), one.begin(), one.end());
            }
            const DescribeShape shape{.rows = 3, .vocabulary = vocabulary};
            const std::vector<std::int64_t> given = {-1, vocabulary / 2, vocabulary - 1};
            const Described truth = describedByReference(shape, logits, given);
            const Described said = described(shape, logits, given);
            EXPECT_EQ(said.chosen, truth.chosen);
            for (std::size_t r = 0; r < 3; ++r) {
                const std::string what = "vocabulary " + std::to_string(vocabulary) + " kind " +
                                         std::to_string(static_cast<int>(kind)) + " row " + std::to_string(r);
                if (std::isinf(truth.choices[r].logprob)) {  // a token that cannot be
                    EXPECT_EQ(said.choices[r].logprob, truth.choices[r].logprob) << what;
                    continue;
                }
                expectSameChoice(said.choices[r], truth.choices[r], what);
            }
        }
    }
}

TEST_F(DescribeOnGpu, seesWhereverARowIsNoNumber) {
    for (const std::int64_t vocabulary : {3, 5000, 151'936}) {
        for (const float bad : {std::nanf(""), -std::nanf(""), std::numeric_limits<float>::infinity()}) {
            for (const std::int64_t place : {std::int64_t{0}, vocabulary / 2, vocabulary - 1}) {
                std::vector<float> logits = logitsOf(Logits::Spread, 2 * vocabulary, 3);
                logits[static_cast<std::size_t>(place)] = bad;
                const Described said = described({.rows = 2, .vocabulary = vocabulary}, logits, {-1, -1});
                EXPECT_TRUE(std::isnan(said.choices[0].logprob)) << vocabulary << " at " << place;
                EXPECT_EQ(said.choices[0].tops, 0);
                EXPECT_EQ(said.chosen[0], 0);
                EXPECT_TRUE(std::isfinite(said.choices[1].logprob)) << "the row beside it";
            }
        }
        const std::vector<float> nothing(static_cast<std::size_t>(vocabulary),
                                         -std::numeric_limits<float>::infinity());
        EXPECT_TRUE(
            std::isnan(described({.rows = 1, .vocabulary = vocabulary}, nothing, {-1}).choices[0].logprob));
    }
}

TEST_F(DescribeOnGpu, theSameRowHasTheSameBitsAloneAndAmongOthers) {
    constexpr std::int64_t kVocabulary = 151'936;
    const std::vector<float> logits = logitsOf(Logits::Coarse, 4 * kVocabulary, 9);
    const Described together = described({.rows = 4, .vocabulary = kVocabulary}, logits, {-1, -1, -1, -1});
    for (std::size_t r = 0; r < 4; ++r) {
        const auto row = logits.begin() + static_cast<std::ptrdiff_t>(r) * kVocabulary;
        const Described alone =
            described({.rows = 1, .vocabulary = kVocabulary}, {row, row + kVocabulary}, {-1});
        EXPECT_EQ(alone.choices[0].topLogprobs, together.choices[r].topLogprobs);
        EXPECT_EQ(alone.choices[0].topIds, together.choices[r].topIds);
        EXPECT_EQ(alone.choices[0].tailMass, together.choices[r].tailMass);
        EXPECT_EQ(alone.choices[0].logprob, together.choices[r].logprob);
    }
}

}  // namespace
}  // namespace fluxscope
