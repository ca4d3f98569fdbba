#include "engine/ceilings/ceilings.h"

#include <c10/cuda/CUDAFunctions.h>
#include <gtest/gtest.h>

namespace fluxscope {
namespace {

// No data sheet is asked: memory of a GPU that we support gives more than 100 GB/s and no GPU gives 100 TB/s.
TEST(Ceilings, ofThisGpuArePlausible) {
    if (c10::cuda::device_count() == 0) GTEST_SKIP() << "no usable NVIDIA GPU here";
    CeilingPlan plan = ceilingPlan(DeviceKind::Cuda);
    EXPECT_GE(plan.arrayBytes, std::int64_t{1} << 30);
    plan.secondsEach = 0.2;
    const MeasuredCeilings measured = measureCeilings(DeviceKind::Cuda, plan, {});
    EXPECT_EQ(measured.device, "cuda:0");
    ASSERT_EQ(measured.bytes.size(), 3U);
    for (const CeilingRate& rate : measured.bytes) {
        EXPECT_GT(rate.best, 1e11) << rate.what;
        EXPECT_LT(rate.best, 1e14) << rate.what;
        EXPECT_GT(rate.median, 0.5 * rate.best) << rate.what;
    }
    for (const char* type : {"fp32", "bf16", "fp16"})
        ASSERT_NE(fastest(measured.flops, type), nullptr) << type;
    EXPECT_GT(fastest(measured.flops, "fp32")->best, 1e12);
    EXPECT_GT(fastest(measured.flops, "bf16")->best, fastest(measured.flops, "fp32")->best);
    EXPECT_GT(fastest(measured.flops, "fp16")->best, fastest(measured.flops, "fp32")->best);
}

}  // namespace
}  // namespace fluxscope
