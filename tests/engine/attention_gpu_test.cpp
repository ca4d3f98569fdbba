// Every prefill mode on a GPU against its reference: our kernels in fp32, LibTorch's flash attention and ours in 16 bits.
#include "engine/contract/error.h"
#include "tests/engine/attention_cases.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

class AttentionOnGpu : public testing::TestWithParam<cost::DType> {
protected:
    void SetUp() override {
        try {
            compute_ = chooseCompute({.device = DeviceKind::Cuda, .dtype = GetParam()}, GetParam());
        } catch (const MachineError& e) {
            GTEST_SKIP() << e.what();
        }
    }
    float tolerance() const {
        return GetParam() == cost::DType::F32 ? 2e-5F : GetParam() == cost::DType::F16 ? 4e-3F : 4e-2F;
    }
    Compute compute_;
};

TEST_P(AttentionOnGpu, ofEachModeIsItsReference) {
    for (const AttentionCase& c : attentionCases()) {
        const AttentionPrompt prompt(c, GetParam());
        const std::vector<float> truth = prompt.byReference();
        for (const std::int64_t chunk : c.chunks())
            EXPECT_LT(largestDifference(prompt.inChunks(compute_, chunk), truth), tolerance())
                << c.name() << " chunk " << chunk;
    }
}

TEST_P(AttentionOnGpu, givesTheSameBitsTwice) {
    for (const AttentionCase& c : attentionCases()) {
        if (c.prompt != 300) continue;
        const AttentionPrompt prompt(c, GetParam());
        EXPECT_EQ(prompt.inChunks(compute_, 128), prompt.inChunks(compute_, 128)) << c.name();
    }
}

TEST_P(AttentionOnGpu, isPricedAsOnTheCpu) {
    for (const AttentionCase& c : attentionCases()) {
        const AttentionPrompt prompt(c, GetParam());
        Compute cpu;
        cpu.type = compute_.type;
        cpu.costType = compute_.costType;
        const auto sum = [](const std::vector<cost::OpShape>& shapes) {
            cost::Cost all;
            for (const cost::OpShape& shape : shapes) all += costOf(shape);
            return all;
        };
        EXPECT_EQ(sum(prompt.prices(compute_, 128)), sum(prompt.prices(cpu, 128))) << c.name();
    }
}

INSTANTIATE_TEST_SUITE_P(Types, AttentionOnGpu,
                         testing::Values(cost::DType::F32, cost::DType::F16, cost::DType::BF16));

}  // namespace
}  // namespace fluxscope
