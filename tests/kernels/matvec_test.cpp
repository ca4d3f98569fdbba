#include "kernels/matvec/matvec.h"

#include "tests/kernels/cpu.h"

#include <gtest/gtest.h>

#include <array>

namespace fluxscope {
namespace {

// Three matrices of one input: one with a bias, one that adds to what is there.
template <class T>
struct Matrices {
    MatvecShape shape;
    std::vector<T> x, first, second, third, bias;
    std::vector<T> a, b, c;

    Matrices(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, cost::DType type)
        : shape{.rows = rows, .inputs = inputs, .type = type} {
        FixtureRandom random(5);
        const auto fill = [&random](std::vector<T>& values, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) values.push_back(T(random.normal() / 8));
        };
        fill(x, rows * inputs);
        fill(first, outputs * inputs);
        fill(second, (outputs + 3) * inputs);
        fill(third, inputs);
        fill(bias, outputs + 3);
        fill(a, rows * outputs);
        fill(b, rows * (outputs + 3));
        fill(c, rows);
    }

    template <class U>
    Matrices<U> as() const {
        Matrices<U> other(0, 0, 0, cost::DType::F32);
        other.shape = shape;
        other.x = converted<U>(x);
        other.first = converted<U>(first);
        other.second = converted<U>(second);
        other.third = converted<U>(third);
        other.bias = converted<U>(bias);
        other.a = converted<U>(a);
        other.b = converted<U>(b);
        other.c = converted<U>(c);
        return other;
    }
    std::array<Matvec, 3> list() {
        const auto outputs = static_cast<std::int64_t>(bias.size()) - 3;
        return {{{.weight = first.data(), .out = a.data(), .outputs = outputs},
                 {.weight = second.data(), .bias = bias.data(), .out = b.data(), .outputs = outputs + 3},
                 {.weight = third.data(), .out = c.data(), .outputs = 1, .add = true}}};
    }
    std::vector<float> results() const {
        std::vector<float> all;
        for (const std::vector<T>* part : {&a, &b, &c})
            for (const T value : *part) all.push_back(static_cast<float>(value));
        return all;
    }
};

template <class T>
void expectTheReference(cost::DType type, float tolerance) {
    for (const std::int64_t rows : {1, 2, 4, 9}) {
        for (const std::int64_t inputs : {1, 7, 16, 33, 256, 1000}) {
            for (const std::int64_t outputs : {1, 5, 130}) {
                Matrices<T> world(rows, inputs, outputs, type);
                Matrices<float> truth = world.template as<float>();
                matvecReference(truth.shape, truth.x.data(), truth.list());
                Matrices<T> together = world;
                matvecCpu(world.shape, world.x.data(), world.list(), serially);
                EXPECT_LT(largestDifference(world.results(), truth.results()), tolerance)
                    << rows << " rows, " << inputs << " to " << outputs;
                matvecCpu(together.shape, together.x.data(), together.list(), onThreads(3));
                EXPECT_EQ(together.results(), world.results());
            }
        }
    }
}

TEST(Matvec, isTheReference) { expectTheReference<float>(cost::DType::F32, 2e-6F); }
TEST(Matvec, isTheReferenceInBf16) { expectTheReference<TestBf16>(cost::DType::BF16, 1e-2F); }
TEST(Matvec, isTheReferenceInFp16) { expectTheReference<TestF16>(cost::DType::F16, 2e-3F); }

TEST(Matvec, aRowDoesNotDependOnTheRowsBesideIt) {
    Matrices<float> all(3, 100, 20, cost::DType::F32);
    Matrices<float> last = all;
    last.shape.rows = 1;
    const auto several = all.list();
    const auto one = last.list();
    matvecCpu(all.shape, all.x.data(), several, serially);
    matvecCpu(last.shape, last.x.data() + 200, std::span(one).first(2), serially);
    for (std::size_t o = 0; o < 20; ++o) EXPECT_EQ(last.a[o], all.a[40 + o]);
}

}  // namespace
}  // namespace fluxscope
