// Rows of logits to be described, and the comparison of what was said of them.
#pragma once

#include "kernels/sampling/sampling.h"
#include "tests/fixture/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace fluxscope {

enum class Logits : std::uint8_t { Spread, Coarse, Rising, Equal, MostlyImpossible };

// Coarse ones are what a bf16 model makes: many tokens share a logit, also beyond the 32nd. Rising ones replace the best so far
// again and again.
inline std::vector<float> logitsOf(Logits kind, std::int64_t count, std::uint64_t seed) {
    FixtureRandom random(seed);
    std::vector<float> logits(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
        float& logit = logits[static_cast<std::size_t>(i)];
        switch (kind) {
            case Logits::Spread: logit = 4 * random.normal(); break;
            case Logits::Coarse: logit = std::round(4 * random.normal()) / 2; break;  // -0 among them
            case Logits::Rising: logit = static_cast<float>(i) / 1000; break;
            case Logits::Equal: logit = -3; break;
            case Logits::MostlyImpossible:
                logit = random.next() % 50 == 0 || i == 7 ? random.normal()
                                                          : -std::numeric_limits<float>::infinity();
                break;
        }
    }
    return logits;
}

struct Described {
    std::vector<RowChoice> choices;
    std::vector<std::int64_t> chosen;
};

inline Described describedByReference(const DescribeShape& shape, const std::vector<float>& logits,
                                      const std::vector<std::int64_t>& given) {
    Described described{std::vector<RowChoice>(static_cast<std::size_t>(shape.rows)), given};
    describeReference(shape, logits.data(), given.data(), described.chosen.data(), described.choices.data());
    return described;
}

inline void expectSameChoice(const RowChoice& a, const RowChoice& b, const std::string& what) {
    EXPECT_EQ(a.id, b.id) << what;
    if (std::isnan(b.logprob))
        EXPECT_TRUE(std::isnan(a.logprob)) << what;
    else
        EXPECT_FLOAT_EQ(a.logprob, b.logprob) << what;
    EXPECT_NEAR(a.tailMass, b.tailMass, 1e-7) << what;
    ASSERT_EQ(a.tops, b.tops) << what;
    for (std::size_t i = 0; i < static_cast<std::size_t>(a.tops); ++i) {
        EXPECT_EQ(a.topIds.at(i), b.topIds.at(i)) << what << " place " << i;
        EXPECT_FLOAT_EQ(a.topLogprobs.at(i), b.topLogprobs.at(i)) << what << " place " << i;
    }
}

}  // namespace fluxscope
