#include "profiler/store/writing_lock.h"

#include "tests/record/scratch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace fluxscope {
namespace {

using testing::Scratch;

TEST(WritingLock, isHeldByOneAndSeenByAll) {
    const Scratch scratch;
    EXPECT_FALSE(isBeingWritten(scratch.file()));
    {
        const auto lock = WritingLock::tryHold(scratch.file());
        ASSERT_TRUE(lock);
        EXPECT_TRUE(isBeingWritten(scratch.file()));
        EXPECT_FALSE(WritingLock::tryHold(scratch.file()));
    }
    EXPECT_FALSE(isBeingWritten(scratch.file()));
    EXPECT_TRUE(std::filesystem::is_empty(scratch.folder()));
    EXPECT_TRUE(WritingLock::tryHold(scratch.file()));
}

TEST(WritingLock, endsWithItsProcess) {
    const Scratch scratch;
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto lock = WritingLock::tryHold(scratch.file());
        if (::write(ready[1], "!", 1) != 1) ::_exit(1);
        ::pause();
        ::_exit(0);
    }
    char said = 0;
    ASSERT_EQ(::read(ready[0], &said, 1), 1);
    EXPECT_TRUE(isBeingWritten(scratch.file()));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    EXPECT_FALSE(isBeingWritten(scratch.file()));
    EXPECT_TRUE(WritingLock::tryHold(scratch.file())) << "what the dead one left behind is in nobody's way";
}

}  // namespace
}  // namespace fluxscope
