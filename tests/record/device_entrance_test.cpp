// The second entrance of the writer's thread: a device's records, from a collector's thread.
#include "profiler/record/detail/device_batches.h"
#include "profiler/record/detail/writer_thread.h"
#include "tests/record/scratch.h"
#include "tests/store/device_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace fluxscope {
namespace {

using testing::rowsOf;
using testing::Scratch;

DeviceBatch batchOf(int kernels, int samples, std::int64_t begin = 2'000'000'000) {
    DeviceBatch batch;
    for (int i = 0; i < kernels; ++i) batch.kernels.push_back(testing::kernelAt(testing::placeOf(1, 0, Op::Mlp), begin + 10 * i, begin + 10 * i + 5));
    for (int i = 0; i < samples; ++i) {
        batch.samples.push_back({.device = 0, .begin = Nanoseconds(begin), .end = Nanoseconds(begin + 1), .metric = "power_w", .value = 1, .source = "nvml"});
    }
    return batch;
}

RunBegan began(int run) {
    return {.run = RunIndex(run), .facts = std::make_shared<const RunFacts>(testing::deviceFacts()), .collector = "trace", .at = Nanoseconds(1'900'000'000)};
}

TEST(DeviceBatches, takeWhatFitsTheMostImportantKindsFirst) {
    DeviceBatches batches(10);
    EXPECT_EQ(batches.push(batchOf(8, 5), 1), 5) << "the samples do not fit beside the kernels";
    EXPECT_EQ(batches.push(batchOf(3, 2), 1), 3) << "but two of them do where three kernels do not";
    EXPECT_EQ(batches.dropped()[0], 3);
    EXPECT_EQ(batches.dropped()[7], 5);
    DeviceBatch batch;
    ASSERT_TRUE(batches.pop(batch, 1));
    EXPECT_EQ(batch.kernels.size(), 8U);
    ASSERT_TRUE(batches.pop(batch, 1));
    EXPECT_EQ(batch.samples.size(), 2U);
    EXPECT_FALSE(batches.pop(batch, 1));
    EXPECT_EQ(batches.push(batchOf(10, 0), 1), 0) << "there is room again";
}

TEST(DeviceBatches, ofALaterRunWaitForIt) {
    DeviceBatches batches(10);
    batches.push(batchOf(1, 0), 2);
    DeviceBatch batch;
    EXPECT_FALSE(batches.pop(batch, 1));
    EXPECT_TRUE(batches.pop(batch, 2));
}

TEST(WriterThread, givesEachRunTheKernelsThatWerePushedDuringIt) {
    const Scratch scratch;
    {
        WriterThread thread(std::make_unique<CaptureWriter>(scratch.file(), testing::kDeviceProcess), "", true, 1 << 10);
        for (int run = 1; run <= 20; ++run) {
            thread.push(began(run), Weight::Essential);
            EXPECT_TRUE(thread.pushDevice(batchOf(run, 0)));
            EXPECT_TRUE(thread.pushDevice(batchOf(1, 0)));
            thread.push(RunEnded{.at = Nanoseconds(2'500'000'000)}, Weight::Essential);
        }
        thread.finish();
        EXPECT_EQ(thread.problem(), std::nullopt);
    }
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*) FROM (SELECT run, count(*) AS n FROM kernel JOIN place USING (place) GROUP BY run) WHERE n = run + 1; SELECT count(*) "
                                     "FROM quality WHERE figure = 'kernels' AND value = run + 1"),
              "\n20\n20\n");
}

TEST(WriterThread, countsByKindWhatDidNotFit) {
    const Scratch scratch;
    {
        WriterThread thread(std::make_unique<CaptureWriter>(scratch.file(), testing::kDeviceProcess), "", true, 1 << 10, 100);
        thread.push(began(1), Weight::Essential);
        EXPECT_FALSE(thread.pushDevice(batchOf(101, 7)));
        EXPECT_EQ(thread.deviceDropped(), 101);
        thread.push(RunEnded{.at = Nanoseconds(2'500'000'000)}, Weight::Essential);
        thread.finish();
    }
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT dropped FROM run; SELECT figure, value, note FROM quality WHERE figure LIKE 'dropped%'; SELECT count(*) FROM sample"),
              "\n101\ndropped_kernel 101.0 lost to a full queue\n7\n");
}

// What the collector's thread pays, and the engine's does not: a batch changes hands, it is not copied.
TEST(WriterThread, takesABatchInLessThanAMillisecond) {
    const Scratch scratch;
    WriterThread thread(std::make_unique<CaptureWriter>(scratch.file(), testing::kDeviceProcess), "", true, 1 << 10);
    thread.push(began(1), Weight::Essential);
    DeviceBatch batch = batchOf(200'000, 0);
    const auto before = std::chrono::steady_clock::now();
    thread.pushDevice(std::move(batch));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - before;
    EXPECT_LT(took.count(), 1.0);
    thread.push(RunEnded{.at = Nanoseconds(2'500'000'000)}, Weight::Essential);
}

TEST(WriterThread, keepsWhatElseATokenCouldHaveBeenAndHowCloseAPolicyIsToFullAttention) {
    const Scratch scratch;
    {
        WriterThread thread(std::make_unique<CaptureWriter>(scratch.file(), testing::kDeviceProcess), "", true, 1 << 10);
        thread.push(began(1), Weight::Essential);
        TokenFacts token{.id = TokenId(5), .text = "x", .logprob = -0.1F, .top = {{TokenId(5), -0.1F}, {TokenId(9), -3.0F}}, .tailMass = 0.25};
        thread.push(TokenRecord{{}, {}, StepIndex(0), token, Nanoseconds(5)}, Weight::Essential);
        thread.push(FidelityRecord{{}, {}, StepIndex(1), {.kl = 0.5, .sameTop = true, .logprobChange = -0.5}}, Weight::Essential);
        thread.finish();
    }
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT token, tail_mass FROM token WHERE step = 0; SELECT rank, token, round(logprob, 2) FROM token_choice; SELECT step, kl FROM fidelity"),
              "\n5 0.25\n0 5 -0.1\n1 9 -3.0\n1 0.5\n");
}

}  // namespace
}  // namespace fluxscope
