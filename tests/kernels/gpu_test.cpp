// The CUDA kernels of prefill against the references, on a GPU. Run by hand or by a GPU machine's ctest -L gpu; skipped elsewhere.
#include "tests/kernels/gpu.h"

#include "kernels/dense/dense.h"
#include "kernels/streaming/streaming.h"
#include "tests/kernels/world.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

template <class T>
class GpuKernels : public GpuTest {
protected:
    // A world of numbers that T holds exactly, so that only the kernel rounds.
    static AttentionWorld worldOf(const cost::AttentionShape& shape) {
        AttentionWorld world(shape);
        for (std::vector<float>* values : {&world.q, &world.k, &world.v})
            *values = widened(narrowed<T>(*values));
        world.shape.type = Element<T>::kType;
        return world;
    }

    template <class Kernel>
    static std::vector<float> prefill(Kernel kernel, const AttentionWorld& world) {
        const DeviceBuffer q = uploaded(narrowed<T>(world.q));
        const DeviceBuffer k = uploaded(narrowed<T>(world.k));
        const DeviceBuffer v = uploaded(narrowed<T>(world.v));
        KeysValues kv = world.keysValues();
        kv.k = k.data();
        kv.v = v.data();
        const DeviceBuffer out(world.q.size() * sizeof(T));
        kernel(world.shape, q.data(), kv, out.data(), nullptr);
        std::vector<T> host(world.q.size());
        out.read(host.data());
        return widened(host);
    }
};

TYPED_TEST_SUITE(GpuKernels, Elements);

TYPED_TEST(GpuKernels, denseIsTheReference) {
    for (const cost::AttentionShape& shape : edgeShapes()) {
        const AttentionWorld world = this->worldOf(shape);
        std::vector<float> truth(world.q.size());
        denseReference(world.shape, world.q.data(), world.keysValues(), truth.data());
        EXPECT_LT(largestDifference(this->prefill(denseCuda, world), truth), Element<TypeParam>::kTolerance)
            << nameOf(shape);
    }
}

TYPED_TEST(GpuKernels, streamingIsTheReference) {
    for (const cost::AttentionShape& shape : edgeShapes()) {
        const AttentionWorld world = this->worldOf(shape);
        std::vector<float> truth(world.q.size());
        streamingReference(world.shape, world.q.data(), world.keysValues(), truth.data());
        EXPECT_LT(largestDifference(this->prefill(streamingCuda, world), truth),
                  Element<TypeParam>::kTolerance)
            << nameOf(shape);
    }
}

TYPED_TEST(GpuKernels, theSameCallGivesTheSameBits) {
    const AttentionWorld world = this->worldOf(
        {.rows = 300, .keys = 700, .heads = 8, .kvHeads = 2, .dim = 128, .sink = 16, .window = 100});
    EXPECT_EQ(this->prefill(streamingCuda, world), this->prefill(streamingCuda, world));
    EXPECT_EQ(this->prefill(denseCuda, world), this->prefill(denseCuda, world));
}

TYPED_TEST(GpuKernels, aHeadThatIsTooWideIsRefused) {
    const AttentionWorld world =
        this->worldOf({.rows = 1, .keys = 1, .heads = 1, .kvHeads = 1, .dim = 512, .sink = 0, .window = 1});
    EXPECT_THROW(this->prefill(denseCuda, world), std::runtime_error);
}

}  // namespace
}  // namespace fluxscope
