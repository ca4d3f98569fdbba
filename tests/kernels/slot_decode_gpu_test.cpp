// The CUDA kernels of decoding against their references, on a GPU; skipped elsewhere.
#include "kernels/kv_write/kv_write.h"
#include "kernels/slot_decode/slot_decode.h"
#include "tests/kernels/gpu.h"
#include "tests/kernels/slot_world.h"
#include "tests/kernels/world.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxscope {
namespace {

// The same slots on the device, in T.
template <class T>
struct DeviceSlots {
    SlotDecodeShape shape;
    std::int64_t mostSlots;
    std::vector<KvSlot> host;  // with device pointers
    DeviceBuffer numbers;      // k, v, undoK and undoV of every entry
    DeviceBuffer table;
    DeviceBuffer q;
    DeviceBuffer out;
    DeviceBuffer scratch;

    explicit DeviceSlots(const SlotWorld& world)
        : shape(typed(world.shape)),
          mostSlots(world.mostSlots()),
          host(world.table),
          numbers(uploaded(everything(world))),
          table(uploaded(placed())),
          q(uploaded(narrowed<T>(world.q))),
          out(world.q.size() * sizeof(T)),
          scratch(static_cast<std::size_t>(slotDecodeScratchBytes(shape, mostSlots))) {}

    std::vector<float> attended(cudaStream_t stream = nullptr) {
        enqueue(stream);
        require(cudaStreamSynchronize(stream));
        return widened(out.template values<T>());
    }
    void enqueue(cudaStream_t stream) {
        slotDecodeCuda(shape, mostSlots, q.data(), table.template as<KvSlot>(), out.data(), scratch.data(),
                       stream);
    }

    static SlotDecodeShape typed(SlotDecodeShape s) {
        s.type = Element<T>::kType;
        return s;
    }
    static std::vector<T> everything(const SlotWorld& world) {
        std::vector<T> all;
        for (std::size_t i = 0; i < world.table.size(); ++i)
            for (const auto* values : {&world.k[i], &world.v[i], &world.undoK[i], &world.undoV[i]})
                for (const float value : *values) all.push_back(static_cast<T>(value));
        return all;
    }
    const std::vector<KvSlot>& placed() {
        T* next = numbers.template as<T>();
        for (KvSlot& entry : host) {
            entry.k = next;
            entry.v = next += entry.capacity * shape.dim;
            entry.undoK = next += entry.capacity * shape.dim;
            entry.undoV = next += kUndoSlots * shape.dim;
            next += kUndoSlots * shape.dim;
        }
        return host;
    }
};

template <class T>
class GpuDecode : public GpuTest {
protected:
    static float rounded(float x) { return static_cast<float>(static_cast<T>(x)); }
    static std::vector<SlotSizes> same(std::int64_t entries, SlotSizes sizes) {
        return std::vector<SlotSizes>(static_cast<std::size_t>(entries), sizes);
    }
};
TYPED_TEST_SUITE(GpuDecode, Elements);

TYPED_TEST(GpuDecode, isTheReferenceForEveryDimensionAndLength) {
    for (const std::int64_t dim : {8, 32, 64, 80, 128, 192, 256}) {
        for (const std::int64_t length :
             {1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 500, 8192, 8193, 9000}) {
            const SlotWorld world({.sequences = 1, .heads = 8, .kvHeads = 2, .dim = dim},
                                  this->same(2, {length + 3, 0, length}), this->rounded);
            EXPECT_LT(largestDifference(DeviceSlots<TypeParam>(world).attended(), world.attended()),
                      Element<TypeParam>::kTolerance)
                << length << " slots of " << dim;
        }
    }
}

TYPED_TEST(GpuDecode, isTheReferenceForEveryGroup) {
    for (const auto& [heads, kvHeads] : std::vector<std::pair<int, int>>{
             {1, 1}, {3, 3}, {14, 2}, {16, 2}, {18, 2}, {32, 2}, {33, 1}, {71, 1}}) {
        for (const std::int64_t dim : {64, 128, 96}) {
            const SlotWorld world({.sequences = 1, .heads = heads, .kvHeads = kvHeads, .dim = dim},
                                  this->same(kvHeads, {400, 0, 333}), this->rounded);
            EXPECT_LT(largestDifference(DeviceSlots<TypeParam>(world).attended(), world.attended()),
                      Element<TypeParam>::kTolerance)
                << heads << "/" << kvHeads << " heads of " << dim;
        }
    }
}

// Rings that have turned, full heads beside them, long and short sequences: and each is what it is alone, to the bit.
TYPED_TEST(GpuDecode, aBatchIsEachSequenceAlone) {
    const std::vector<SlotSizes> entries = {{3000, 0, 2222}, {144, 16, 2222}, {64, 0, 40}, {64, 8, 40},
                                            {9000, 0, 8999}, {9000, 0, 8999}, {1, 0, 1},   {1, 0, 1}};
    for (const std::int64_t dim : {64, 128, 40}) {
        const SlotWorld world({.sequences = 4, .heads = 8, .kvHeads = 2, .dim = dim}, entries, this->rounded);
        DeviceSlots<TypeParam> slots(world);
        const std::vector<float> batch = slots.attended();
        EXPECT_LT(largestDifference(batch, world.attended()), Element<TypeParam>::kTolerance);
        EXPECT_EQ(slots.attended(), batch) << "the same call twice";
        for (std::int64_t n = 0; n < 4; ++n) {
            SlotDecodeShape alone = slots.shape;
            alone.sequences = 1;
            const std::int64_t row = n * 8 * dim;
            const std::int64_t most = std::max(slots.host[2 * n].capacity, slots.host[2 * n + 1].capacity);
            slotDecodeCuda(alone, most, slots.q.template as<TypeParam>() + row,
                           slots.table.template as<KvSlot>() + 2 * n,
                           slots.out.template as<TypeParam>() + row, slots.scratch.data(), nullptr);
        }
        require(cudaDeviceSynchronize());
        EXPECT_EQ(widened(slots.out.template values<TypeParam>()), batch);
    }
}

TYPED_TEST(GpuDecode, mayWriteOverItsQueries) {
    const SlotWorld world({.sequences = 2, .heads = 8, .kvHeads = 2, .dim = 128},
                          this->same(4, {300, 0, 290}), this->rounded);
    DeviceSlots<TypeParam> slots(world);
    const std::vector<float> apart = slots.attended();
    slotDecodeCuda(slots.shape, slots.mostSlots, slots.q.data(), slots.table.template as<KvSlot>(),
                   slots.q.data(), slots.scratch.data(), nullptr);
    EXPECT_EQ(widened(slots.q.template values<TypeParam>()), apart);
}

TYPED_TEST(GpuDecode, aHeadThatIsTooWideIsRefused) {
    const SlotWorld world({.sequences = 1, .heads = 1, .kvHeads = 1, .dim = 264}, this->same(1, {4, 0, 4}));
    EXPECT_THROW(DeviceSlots<TypeParam>(world).attended(), std::runtime_error);
}

// One graph of begin, write and attend, replayed over lengths at which rings turn, against the same steps on the host.
TYPED_TEST(GpuDecode, aReplayedGraphGoesOnStepByStep) {
    using T = TypeParam;
    for (const std::int64_t dim : {20, 64}) {
        const std::vector<SlotSizes> entries = {{200, 0, 125}, {24, 4, 125}, {200, 0, 21}, {24, 4, 21}};
        SlotWorld world({.sequences = 2, .heads = 8, .kvHeads = 2, .dim = dim}, entries, this->rounded);
        DeviceSlots<T> slots(world);
        const KvTableShape tableShape{.layers = 1, .sequences = 2, .kvHeads = 2};
        KvWriteShape write{.sequences = 2,
                           .kvHeads = 2,
                           .dim = dim,
                           .kStride = 8 * dim,
                           .vStride = 8 * dim,
                           .type = Element<T>::kType};
        const DeviceBuffer positions(2 * sizeof(std::int64_t));

        cudaStream_t stream{};
        require(cudaStreamCreate(&stream));
        cudaGraph_t graph{};
        cudaGraphExec_t executable{};
        require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
        beginStepCuda(tableShape, slots.table.template as<KvSlot>(), positions.as<std::int64_t>(), stream);
        // The step's keys are the queries' first heads, its values the last ones: any numbers will do.
        kvWriteCuda(write, slots.q.template as<T>(), slots.q.template as<T>() + 6 * dim,
                    slots.table.template as<KvSlot>(), stream);
        slots.enqueue(stream);
        require(cudaStreamEndCapture(stream, &graph));
        require(cudaGraphInstantiate(&executable, graph, 0));

        std::vector<std::int64_t> hostPositions(2);
        write.type = cost::DType::F32;
        for (int step = 0; step < 30; ++step) {
            beginStep(tableShape, world.table.data(), hostPositions.data());
            kvWriteReference(write, world.q.data(), world.q.data() + 6 * dim, world.table.data());
            require(cudaGraphLaunch(executable, stream));
            require(cudaStreamSynchronize(stream));
            EXPECT_EQ(positions.values<std::int64_t>(), hostPositions);
            EXPECT_LT(largestDifference(widened(slots.out.template values<T>()), world.attended()),
                      Element<T>::kTolerance)
                << "step " << step << " of dim " << dim;
        }
        EXPECT_EQ(widened(slots.numbers.template values<T>()), widened(DeviceSlots<T>::everything(world)))
            << "slots and undo are the reference's, number by number";
        require(cudaGraphExecDestroy(executable));
        require(cudaGraphDestroy(graph));
        require(cudaStreamDestroy(stream));
    }
}

}  // namespace
}  // namespace fluxscope
