// How weights come to where the model computes: not copied where they fit, told and stopped block by block.
#include "engine/checkpoint/checkpoint.h"
#include "engine/engine.h"
#include "engine/transformer/weight_stream.h"
#include "engine/transformer/weights.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/tiny_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

const TinyModelOptions kSmall{.layers = 2, .hidden = 64, .heads = 2, .kvHeads = 1, .inner = 64};

Compute cpuOf(cost::DType type) {
    return chooseCompute({.device = DeviceKind::Cpu, .dtype = type, .router = {}}, cost::DType::F32);
}

TinyModelOptions smallStoredAs(FixtureType type) {
    TinyModelOptions options = kSmall;
    options.type = type;
    return options;
}

// Whether the tensor is used where it lies in the mapped file.
bool isMapped(const Checkpoint& checkpoint, const char* name, const at::Tensor& tensor) {
    return tensor.const_data_ptr() == checkpoint.tensor(name).data;
}

TEST(Loading, usesWeightsOfTheRightTypeWhereTheyLie) {
    const struct {
        FixtureType stored;
        cost::DType computed;
        bool mapped;
    } cases[] = {{FixtureType::F32, cost::DType::F32, true},
                 {FixtureType::BF16, cost::DType::BF16, true},
                 {FixtureType::BF16, cost::DType::F32, false},
                 {FixtureType::F32, cost::DType::BF16, false}};
    for (const auto& c : cases) {
        const TempFolder folder;
        writeTinyModel(folder.path(), smallStoredAs(c.stored));
        const Checkpoint checkpoint = openCheckpoint(folder.path());
        const Weights weights = loadWeights(checkpoint, cpuOf(c.computed), {}, nullptr);
        EXPECT_EQ(isMapped(checkpoint, "model.embed_tokens.weight", weights.embedding), c.mapped);
        EXPECT_EQ(isMapped(checkpoint, "model.layers.1.mlp.up_proj.weight", weights.layers[1].up.weight),
                  c.mapped);
        // A router answers in fp32 whatever the model computes in.
        EXPECT_EQ(weights.routers[1].head4.weight.scalar_type(), at::kFloat);
    }
}

TEST(Loading, countsWhatItReadsAndNothingElse) {
    const TempFolder folder;
    writeTinyModel(folder.path(), kSmall);
    const auto model = Model::load(folder.path());
    const ModelFacts& facts = model->facts();
    EXPECT_EQ(model->loading().bytesDone, 4 * (facts.parameters + facts.routerParameters));
    EXPECT_EQ(model->loading().bytesTotal, model->loading().bytesDone);
    EXPECT_GT(model->loading().seconds, 0);
}

TEST(Loading, stopsInsideALargeTensor) {
    const std::vector<float> values(30 << 20);  // 120 MiB
    StoredTensor large;
    large.type = StoredType::F32;
    large.shape = {static_cast<std::int64_t>(values.size())};
    large.data = reinterpret_cast<const std::byte*>(values.data());
    large.bytes = static_cast<std::int64_t>(values.size() * sizeof(float));
    std::int64_t read = 0;
    WeightStream stream(cpuOf(cost::DType::F32), [&](std::int64_t bytes) {
        read += bytes;
        throw CancelledError("the test");
    });
    EXPECT_THROW(stream.bring(large, at::kFloat), CancelledError);
    EXPECT_LE(read, 32 << 20);
}

// bf16 has 8 bits of mantissa: after two layers the logits agree to a few hundredths of the largest.
TEST(Loading, bf16OnTheCpuIsFp32ToItsPrecision) {
    const TempFolder folder;
    writeTinyModel(folder.path(), smallStoredAs(FixtureType::BF16));
    FixtureRandom random(7);
    ForwardRequest request;
    for (int i = 0; i < 100; ++i) request.ids.push_back(TokenId::of(random.next() % 765));
    request.policy = FullPolicy{};
    request.chunkTokens = 40;
    request.endPosition = 100;
    const auto logits = [&](cost::DType type) {
        return Model::load(folder.path(), {.dtype = type})->forward(request, CancelToken{}).logits;
    };
    const std::vector<float> wide = logits(cost::DType::F32);
    const std::vector<float> narrow = logits(cost::DType::BF16);
    ASSERT_EQ(wide.size(), narrow.size());
    float largest = 0;
    float error = 0;
    for (std::size_t i = 0; i < wide.size(); ++i) {
        largest = std::max(largest, std::abs(wide[i]));
        error = std::max(error, std::abs(wide[i] - narrow[i]));
    }
    EXPECT_LT(error / largest, 0.05F);
    EXPECT_GT(error, 0) << "fp32 was computed twice";
}

}  // namespace
}  // namespace fluxscope
