#include "tests/record/cupti/activity_buffer.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace fluxscope {
namespace {

using testing::ActivityBuffer;
using testing::decoded;
using testing::walkOfWheel;

TEST(DecodeBuffer, readsEveryKindThatIsAskedFor) {
    ActivityBuffer buffer;
    buffer.external(5, 0x100000002)
        .call(5, 10, 20)
        .kernel(5, 30, 40, 0, "gemm")
        .copy(6, 41, 42, 8)
        .fill(7, 43, 44, 64)
        .sync(8, 45, 46)
        .overhead(47, 48, CUPTI_ACTIVITY_OVERHEAD_CUPTI_BUFFER_FLUSH, nullptr);
    Names names;
    const DecodedRecords records = decoded(buffer, names);
    ASSERT_EQ(records.externals.size(), 1U);
    EXPECT_EQ(records.externals[0].correlation, 5U);
    EXPECT_EQ(records.externals[0].ticket, 0x100000002U);
    ASSERT_EQ(records.calls.size(), 1U);
    EXPECT_EQ(records.calls[0].name, "cudaGraphLaunch_v10000");
    EXPECT_EQ(records.calls[0].thread, 42);
    ASSERT_EQ(records.kernels.size(), 1U);
    EXPECT_EQ(records.kernels[0].name, "gemm");
    EXPECT_EQ(records.kernels[0].begin, Nanoseconds(30));
    EXPECT_EQ(records.kernels[0].end, Nanoseconds(40));
    EXPECT_EQ(records.kernels[0].queue.stream, 7);
    EXPECT_EQ(records.kernels[0].launch.grid, (std::array<std::int32_t, 3>{4, 1, 1}));
    ASSERT_EQ(records.copies.size(), 1U);
    EXPECT_EQ(records.copies[0].kind, CopyKind::DeviceToHost);
    EXPECT_TRUE(records.copies[0].pinned);
    EXPECT_EQ(records.copies[0].bytes, 8);
    ASSERT_EQ(records.fills.size(), 1U);
    EXPECT_EQ(records.fills[0].bytes, 64);
    ASSERT_EQ(records.syncs.size(), 1U);
    EXPECT_EQ(records.syncs[0].kind, "stream");
    ASSERT_EQ(records.overheads.size(), 1U);
    EXPECT_EQ(records.overheads[0].kind, "buffer-flush");
    EXPECT_EQ(records.badTimes + records.truncatedBuffers + records.unknownRecords, 0);
}

TEST(DecodeBuffer, countsTimesThatCannotBeAndStillTellsOfTheKernel) {
    ActivityBuffer buffer;
    buffer.kernel(1, 0, 0).kernel(2, 50, 0).kernel(3, 50, 49).kernel(4, 50, 50);
    Names names;
    const DecodedRecords records = decoded(buffer, names);
    EXPECT_EQ(records.badTimes,
              3);  // the first was not stamped, the second handed back while it ran, the third goes backwards
    EXPECT_EQ(records.kernels.size(), 4U);
    EXPECT_EQ(records.kernelsSeen, 4);
}

TEST(DecodeBuffer, saysWhenABufferEndsWithinARecord) {
    ActivityBuffer buffer;
    buffer.kernel(1, 10, 20).kernel(2, 30, 40).cutOff(100);
    Names names;
    const DecodedRecords records = decoded(buffer, names);
    EXPECT_EQ(records.kernels.size(), 1U);
    EXPECT_EQ(records.truncatedBuffers, 1);
}

TEST(DecodeBuffer, stopsAtAnUnknownKindAndKeepsWhatCameBefore) {
    ActivityBuffer buffer;
    buffer.kernel(1, 10, 20).ofKind(999).kernel(2, 30, 40);
    Names names;
    const DecodedRecords records = decoded(buffer, names);
    EXPECT_EQ(records.kernels.size(), 1U);
    EXPECT_EQ(records.unknownRecords, 1);
    EXPECT_EQ(records.truncatedBuffers, 0);
}

TEST(DecodeBuffer, passesOverAKindThatNobodyAskedFor) {
    ActivityBuffer buffer;
    buffer.marker().kernel(2, 30, 40);
    Names names;
    const DecodedRecords records = decoded(buffer, names);
    EXPECT_EQ(records.kernels.size(), 1U);
    EXPECT_EQ(records.unknownRecords, 1);
}

TEST(DecodeBuffer, readsNothingOutOfAnEmptyBuffer) {
    ActivityBuffer buffer;
    buffer.kernel(1, 10, 20);
    Names names;
    DecodedRecords records;
    decodeBuffer(walkOfWheel(), buffer.bytes().first(0), names, records);
    EXPECT_EQ(records.kernels.size(), 0U);
    EXPECT_EQ(records.truncatedBuffers, 0);
}

// Under AddressSanitizer this fails when the data is freed twice or not at all.
TEST(DecodeBuffer, freesWhatACommandBufferRecordPointsToUnlessItWasRecorded) {
    ActivityBuffer buffer;
    buffer.overhead(1, 2, CUPTI_ACTIVITY_OVERHEAD_COMMAND_BUFFER_FULL, std::malloc(64));
    Names names;
    DecodedRecords records;
    RecordWalk live = walkOfWheel();
    live.ownsPointers = true;
    decodeBuffer(live, buffer.bytes(), names, records);
    decodeBuffer(walkOfWheel(), buffer.bytes(), names,
                 records);  // the same bytes, recorded: the pointer is stale
    ASSERT_EQ(records.overheads.size(), 2U);
    EXPECT_EQ(records.overheads[0].kind, "command-buffer-full");
}

TEST(Names, keepANameThatItsModuleHasTakenAway) {
    Names names;
    std::string first = "first_kernel";
    const std::string_view kept = names.of(first.c_str());
    std::memcpy(first.data(), "other_kernel", first.size());  // the same address, another module
    EXPECT_EQ(names.of(first.c_str()), "other_kernel");
    EXPECT_EQ(kept, "first_kernel");
}

}  // namespace
}  // namespace fluxscope
