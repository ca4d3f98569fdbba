#include "kernels/pointwise/pointwise.h"

#include "tests/kernels/cpu.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

std::vector<float> normals(std::int64_t count, std::uint64_t seed) {
    FixtureRandom random(seed);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = random.normal();
    return values;
}

constexpr float kFp32 = 2e-6F;  // of values up to about 4
constexpr float kBf16 = 2e-2F;

TEST(RmsNorm, isTheReference) {
    for (const std::int64_t rows : {1, 3, 200}) {
        for (const std::int64_t columns : {1, 2, 7, 32, 100, 256, 1000}) {
            const RmsNormShape shape{.rows = rows, .columns = columns, .eps = 1e-6F};
            const std::vector<float> x = normals(rows * columns, 1);
            const std::vector<float> weight = normals(columns, 2);
            std::vector<float> truth(x.size());
            rmsNormReference(shape, x.data(), weight.data(), truth.data());
            std::vector<float> out(x.size(), NAN);
            rmsNormCpu(shape, x.data(), weight.data(), out.data(), serially);
            EXPECT_LT(largestDifference(out, truth), 2 * kFp32) << rows << " x " << columns;
            std::vector<float> together = x;  // in place, too
            rmsNormCpu(shape, together.data(), weight.data(), together.data(), onThreads(3));
            EXPECT_EQ(together, out);
        }
    }
}

TEST(RmsNorm, isTheReferenceInBf16) {
    const RmsNormShape shape{.rows = 5, .columns = 100, .eps = 1e-6F, .type = cost::DType::BF16};
    const auto x = converted<TestBf16>(normals(500, 1));
    const auto weight = converted<TestBf16>(normals(100, 2));
    std::vector<float> truth(x.size());
    rmsNormReference(shape, converted<float>(x).data(), converted<float>(weight).data(), truth.data());
    std::vector<TestBf16> out(x.size());
    rmsNormCpu(shape, x.data(), weight.data(), out.data(), serially);
    EXPECT_LT(largestDifference(converted<float>(out), truth), 2 * kBf16);
}

struct Heads {
    TurnHeadsShape shape;
    std::vector<float> x, weight, cos, sin;

    Heads(std::int64_t rows, std::int64_t heads, std::int64_t dim)
        : shape{.rows = rows, .heads = heads, .dim = dim, .eps = 1e-6F},
          x(normals(rows * heads * dim, 3)),
          weight(normals(dim, 4)) {
        for (std::int64_t i = 0; i < rows * dim / 2; ++i) {
            cos.push_back(std::cos(static_cast<float>(i) * 0.7F));
            sin.push_back(std::sin(static_cast<float>(i) * 0.7F));
        }
    }
};

TEST(TurnHeads, isTheReferenceWithNormAndWithout) {
    for (const std::int64_t rows : {1, 3, 150}) {
        for (const std::int64_t dim : {2, 20, 32, 80, 128}) {
            const Heads world(rows, 6, dim);
            for (const float* weight : {world.weight.data(), static_cast<const float*>(nullptr)}) {
                std::vector<float> trueNormed = world.x;
                std::vector<float> truth(world.x.size());
                turnHeadsReference(world.shape, trueNormed.data(), weight, world.cos.data(), world.sin.data(),
                                   truth.data());
                for (const ParallelFor& parallel : {ParallelFor(serially), onThreads(3)}) {
                    std::vector<float> normed = world.x;
                    std::vector<float> out(world.x.size(), NAN);
                    turnHeadsCpu(world.shape, normed.data(), weight, world.cos.data(), world.sin.data(),
                                 out.data(), parallel);
                    EXPECT_LT(largestDifference(normed, trueNormed), 2 * kFp32) << rows << " rows of " << dim;
                    EXPECT_LT(largestDifference(out, truth), 4 * kFp32) << rows << " rows of " << dim;
                }
            }
        }
    }
}

TEST(TurnHeads, isTheReferenceInBf16) {
    const Heads world(4, 2, 20);
    std::vector<TestBf16> x = converted<TestBf16>(world.x);
    const auto weight = converted<TestBf16>(world.weight);
    std::vector<float> trueNormed = converted<float>(x);
    std::vector<float> truth(x.size());
    turnHeadsReference(world.shape, trueNormed.data(), converted<float>(weight).data(), world.cos.data(),
                       world.sin.data(), truth.data());
    TurnHeadsShape shape = world.shape;
    shape.type = cost::DType::BF16;
    std::vector<TestBf16> out(x.size());
    turnHeadsCpu(shape, x.data(), weight.data(), world.cos.data(), world.sin.data(), out.data(), serially);
    EXPECT_LT(largestDifference(converted<float>(out), truth), 2 * kBf16);
}

TEST(Gate, isTheReferenceFromOneEndToTheOther) {
    std::vector<float> gate;
    for (int i = 0; i <= 1081; ++i) gate.push_back(-200.0F + 0.37F * static_cast<float>(i));
    for (const float x : {0.0F, -0.0F, -83.0F, -84.0F, -88.0F, -1e30F, 1e30F}) gate.push_back(x);
    const std::vector<float> up = normals(static_cast<std::int64_t>(gate.size()), 5);
    const GateShape shape{.elements = static_cast<std::int64_t>(gate.size())};
    std::vector<float> truth = gate;
    gateReference(shape, truth.data(), up.data());
    std::vector<float> out = gate;
    gateCpu(shape, out.data(), up.data(), serially);
    for (std::size_t i = 0; i < gate.size(); ++i)
        EXPECT_LE(std::abs(out[i] - truth[i]), 4e-6F * std::abs(truth[i]) + 1e-32F) << "silu of " << gate[i];
}

TEST(Gate, doesNotDependOnTheNumberOfThreads) {
    const std::vector<float> gate = normals(100'001, 6);
    const std::vector<float> up = normals(100'001, 7);
    const GateShape shape{.elements = 100'001};
    std::vector<float> alone = gate;
    gateCpu(shape, alone.data(), up.data(), serially);
    std::vector<float> together = gate;
    gateCpu(shape, together.data(), up.data(), onThreads(4));
    EXPECT_EQ(together, alone);
}

TEST(Gate, keepsWhatIsNoNumber) {
    std::vector<float> gate(20, 1.0F);
    gate[3] = gate[18] = NAN;
    const std::vector<float> up(20, 1.0F);
    gateCpu({.elements = 20}, gate.data(), up.data(), serially);
    for (std::size_t i = 0; i < gate.size(); ++i) EXPECT_EQ(std::isnan(gate[i]), i == 3 || i == 18) << i;
}

}  // namespace
}  // namespace fluxscope
