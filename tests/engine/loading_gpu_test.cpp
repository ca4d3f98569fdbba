// Weights on their way to a GPU: every byte arrives, in whatever type it is stored and computed, also when the blocks that carry
// it are used again while the GPU still fetches.
#include "engine/checkpoint/safetensors.h"
#include "engine/contract/error.h"
#include "engine/transformer/weight_stream.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/safetensors_writer.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>

namespace fluxscope {
namespace {

// Seven blocks of 32 MiB in fp32 and a bit: more than are on their way at once.
constexpr std::int64_t kValues = (std::int64_t{7} << 23) + 12'345;

at::Tensor inMemory(const StoredTensor& stored) {
    const at::ScalarType type = stored.type == StoredType::F32 ? at::kFloat : at::kBFloat16;
    return at::from_blob(const_cast<std::byte*>(stored.data), stored.shape, type).clone();
}

TEST(LoadingOnGpu, bringsEveryByte) {
    FixtureTensor values{"w", {kValues}, std::vector<float>(static_cast<std::size_t>(kValues))};
    FixtureRandom random(5);
    for (float& value : values.values) value = static_cast<float>(random.next() & 0xFFFFU) - 32768;
    for (const FixtureType stored : {FixtureType::F32, FixtureType::BF16}) {
        const TempFolder folder;
        writeSafetensors(folder / "w.safetensors", {values}, stored);
        const SafetensorsFile file = openSafetensors(folder / "w.safetensors");
        const StoredTensor& tensor = file.tensors.at("w");
        const at::Tensor wanted = inMemory(tensor);
        for (const cost::DType type : {cost::DType::F32, cost::DType::BF16}) {
            Compute compute;
            try {
                compute = chooseCompute({.device = DeviceKind::Cuda, .dtype = type, .router = {}}, type);
            } catch (const MachineError& e) {
                GTEST_SKIP() << e.what();
            }
            std::int64_t arrived = 0;
            WeightStream stream(compute, [&](std::int64_t bytes) { arrived += bytes; });
            EXPECT_EQ(stream.memoryFor(tensor, compute.type), kValues * (type == cost::DType::F32 ? 4 : 2));
            const at::Tensor there = stream.bring(tensor, compute.type);
            stream.finish();
            EXPECT_TRUE(there.is_cuda());
            EXPECT_EQ(arrived, tensor.bytes);
            EXPECT_TRUE(at::equal(there.to(at::kCPU), wanted.to(compute.type)));
        }
    }
}

}  // namespace
}  // namespace fluxscope
