// The CUDA kernels against the references, on a GPU. Run by hand or by a GPU machine's ctest -L gpu; skipped elsewhere.
#include "kernels/dense/dense.h"
#include "kernels/slot_decode/slot_decode.h"
#include "kernels/streaming/streaming.h"
#include "tests/kernels/world.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>

namespace fluxscope {
namespace {

void require(cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

class DeviceBuffer {
public:
    explicit DeviceBuffer(std::size_t bytes) : bytes_(bytes) { require(cudaMalloc(&data_, bytes)); }
    DeviceBuffer(const void* host, std::size_t bytes) : DeviceBuffer(bytes) {
        require(cudaMemcpy(data_, host, bytes, cudaMemcpyHostToDevice));
    }
    ~DeviceBuffer() { cudaFree(data_); }
    DeviceBuffer(const DeviceBuffer&) = delete;
    DeviceBuffer& operator=(const DeviceBuffer&) = delete;
    char* data() const { return static_cast<char*>(data_); }
    void read(void* host) const { require(cudaMemcpy(host, data_, bytes_, cudaMemcpyDeviceToHost)); }

private:
    void* data_ = nullptr;
    std::size_t bytes_;
};

template <class T>
struct Element;
template <>
struct Element<float> {
    static constexpr cost::DType kType = cost::DType::F32;
    static constexpr float kTolerance = 2e-5F;
};
template <>
struct Element<__half> {
    static constexpr cost::DType kType = cost::DType::F16;
    static constexpr float kTolerance = 3e-3F;
};
template <>
struct Element<__nv_bfloat16> {
    static constexpr cost::DType kType = cost::DType::BF16;
    static constexpr float kTolerance = 2e-2F;  // outputs up to about 4, rounded to 8 bits
};

template <class T>
std::vector<T> narrowed(const std::vector<float>& values) {
    return {values.begin(), values.end()};
}
template <class T>
std::vector<float> widened(const std::vector<T>& values) {
    std::vector<float> wide;
    for (const T value : values) wide.push_back(static_cast<float>(value));
    return wide;
}
template <class T>
DeviceBuffer uploaded(const std::vector<T>& values) {
    return {values.data(), values.size() * sizeof(T)};
}

template <class T>
class GpuKernels : public testing::Test {
protected:
    void SetUp() override {
        int devices = 0;
        const cudaError_t error = cudaGetDeviceCount(&devices);
        if (error != cudaSuccess || devices == 0)
            GTEST_SKIP() << "no usable NVIDIA GPU here: "
                         << (error == cudaSuccess ? "none found" : cudaGetErrorString(error));
    }

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

using Elements = testing::Types<float, __half, __nv_bfloat16>;
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

TYPED_TEST(GpuKernels, slotDecodeIsTheReference) {
    using T = TypeParam;
    for (const std::int64_t used : {1, 20, 64}) {
        for (const std::int64_t dim : {32, 80, 128}) {
            const AttentionWorld world = this->worldOf({.rows = 3,
                                                        .keys = 3 * 64,
                                                        .heads = 8,
                                                        .kvHeads = 2,
                                                        .dim = dim,
                                                        .sink = 0,
                                                        .window = 3 * 64});
            const DeviceBuffer q = uploaded(narrowed<T>(world.q));
            const DeviceBuffer k = uploaded(narrowed<T>(world.k));
            const DeviceBuffer v = uploaded(narrowed<T>(world.v));
            const DeviceBuffer out(world.q.size() * sizeof(T));
            std::vector<KvSlot> onHost;
            std::vector<KvSlot> onDevice;
            std::vector<float> hostK = world.k;
            std::vector<float> hostV = world.v;
            for (std::int64_t entry = 0; entry < 3 * 2; ++entry) {  // [sequences, kvHeads]
                const std::int64_t begin = entry * 64 * dim;
                onHost.push_back({hostK.data() + begin, hostV.data() + begin, 64, 4, used});
                const auto bytes = static_cast<std::size_t>(begin) * sizeof(T);
                onDevice.push_back({k.data() + bytes, v.data() + bytes, 64, 4, used});
            }
            const SlotDecodeShape shape{
                .sequences = 3, .heads = 8, .kvHeads = 2, .dim = dim, .type = Element<T>::kType};
            std::vector<float> truth(world.q.size());
            slotDecodeReference(shape, world.q.data(), onHost.data(), truth.data());
            const DeviceBuffer table = uploaded(onDevice);
            slotDecodeCuda(shape, q.data(), reinterpret_cast<const KvSlot*>(table.data()), out.data(),
                           nullptr);
            std::vector<T> host(world.q.size());
            out.read(host.data());
            EXPECT_LT(largestDifference(widened(host), truth), Element<T>::kTolerance)
                << used << " slots of " << dim;
        }
    }
}

TYPED_TEST(GpuKernels, aHeadThatIsTooWideIsRefused) {
    const AttentionWorld world =
        this->worldOf({.rows = 1, .keys = 1, .heads = 1, .kvHeads = 1, .dim = 512, .sink = 0, .window = 1});
    EXPECT_THROW(this->prefill(denseCuda, world), std::runtime_error);
}

}  // namespace
}  // namespace fluxscope
