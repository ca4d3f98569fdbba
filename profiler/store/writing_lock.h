// Who is writing a capture holds a lock on "<file>-writing" beside it. The kernel lets go of it when the process ends, however
// it ends, so "is somebody still writing?" has an exact answer, across containers and after a kill -9.
//
// Not a lock on the capture itself: closing any descriptor of an SQLite file drops the locks SQLite holds on it in this process.
#pragma once

#include <filesystem>
#include <optional>

namespace fluxscope {

class WritingLock {
public:
    // Absent when somebody else holds it. Throws MachineError when the lock file cannot be made.
    static std::optional<WritingLock> tryHold(const std::filesystem::path& capture);

    WritingLock(WritingLock&& other) noexcept;
    WritingLock& operator=(WritingLock&&) = delete;
    ~WritingLock();  // takes the lock file away

private:
    WritingLock(std::filesystem::path file, int descriptor);

    std::filesystem::path file_;
    int descriptor_ = -1;
};

bool isBeingWritten(const std::filesystem::path& capture);

}  // namespace fluxscope
