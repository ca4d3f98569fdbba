#include "kernels/matmul/matmul.h"

#include "tests/kernels/cpu.h"

#include <gtest/gtest.h>

#include <array>

namespace fluxscope {
namespace {

std::vector<float> normals(std::int64_t count, std::uint64_t seed) {
    FixtureRandom random(seed);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = random.normal() / 4;
    return values;
}

// Three matrices of one input: one plain, one with a bias, one with a bias that adds to what is there.
struct Matrices {
    MatmulShape shape;
    std::int64_t outputs;
    std::vector<float> x, first, second, third, bias, a, b, c;

    Matrices(std::int64_t rows, std::int64_t inputs, std::int64_t o)
        : shape{.rows = rows, .inputs = inputs},
          outputs(o),
          x(normals(rows * inputs, 1)),
          first(normals(o * inputs, 2)),
          second(normals((o + 3) * inputs, 3)),
          third(normals(inputs, 4)),
          bias(normals(o + 3, 5)),
          a(static_cast<std::size_t>(rows * o), NAN),
          b(static_cast<std::size_t>(rows * (o + 3)), NAN),
          c(normals(rows, 6)) {}

    std::array<Matmul, 3> list() {
        return {{{.weight = first.data(), .out = a.data(), .outputs = outputs},
                 {.weight = second.data(), .bias = bias.data(), .out = b.data(), .outputs = outputs + 3},
                 {.weight = third.data(), .bias = bias.data(), .out = c.data(), .outputs = 1, .add = true}}};
    }
    GatedMatmul gated(std::vector<float>& out) {
        out.assign(a.size(), NAN);
        return {.gate = {.weight = first.data(), .bias = bias.data(), .outputs = outputs},
                .up = {.weight = second.data(), .outputs = outputs},
                .out = out.data()};
    }
    std::vector<float> results() const {
        std::vector<float> all = a;
        all.insert(all.end(), b.begin(), b.end());
        all.insert(all.end(), c.begin(), c.end());
        return all;
    }
};

// Sums of up to 600 products reach 7: a few units in the last place, as one rounding after the other leaves them.
constexpr float kTolerance = 1e-5F;

constexpr std::array<std::int64_t, 8> kRows = {1, 2, 3, 5, 8, 31, 256, 261};
constexpr std::array<std::int64_t, 6> kInputs = {1, 7, 32, 256, 257, 600};
constexpr std::array<std::int64_t, 5> kOutputs = {1, 5, 16, 32, 77};

TEST(Matmul, isTheReference) {
    for (const std::int64_t rows : kRows) {
        for (const std::int64_t inputs : kInputs) {
            for (const std::int64_t outputs : kOutputs) {
                Matrices world(rows, inputs, outputs);
                Matrices truth = world;
                matmulReference(truth.shape, truth.x.data(), truth.list());
                Matrices together = world;
                matmulCpu(world.shape, world.x.data(), world.list(), serially);
                EXPECT_LT(largestDifference(world.results(), truth.results()), kTolerance)
                    << rows << " rows, " << inputs << " to " << outputs;
                matmulCpu(together.shape, together.x.data(), together.list(), onThreads(3));
                EXPECT_EQ(together.results(), world.results());
            }
        }
    }
}

TEST(GatedMatmul, isTheReference) {
    for (const std::int64_t rows : kRows) {
        for (const std::int64_t inputs : kInputs) {
            for (const std::int64_t outputs : kOutputs) {
                Matrices world(rows, inputs, outputs);
                std::vector<float> truth, out, together;
                gatedMatmulReference(world.shape, world.x.data(), world.gated(truth));
                gatedMatmulCpu(world.shape, world.x.data(), world.gated(out), serially);
                EXPECT_LT(largestDifference(out, truth), 2 * kTolerance)
                    << rows << " rows, " << inputs << " to " << outputs;
                gatedMatmulCpu(world.shape, world.x.data(), world.gated(together), onThreads(3));
                EXPECT_EQ(together, out);
            }
        }
    }
}

TEST(Matmul, aRowDoesNotDependOnTheRowsBesideIt) {
    Matrices all(261, 300, 20);
    matmulCpu(all.shape, all.x.data(), all.list(), serially);
    for (const std::int64_t row : {0, 7, 255, 258, 260}) {
        Matrices one = all;
        one.shape.rows = 1;
        const auto matrices = one.list();
        matmulCpu(one.shape, all.x.data() + row * 300, std::span(matrices).first(2), serially);
        for (std::int64_t o = 0; o < 20; ++o)
            EXPECT_EQ(one.a[static_cast<std::size_t>(o)], all.a[static_cast<std::size_t>(row * 20 + o)])
                << "row " << row << ", output " << o;
    }
}

}  // namespace
}  // namespace fluxscope
