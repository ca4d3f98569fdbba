#include "profiler/store/writing_lock.h"

#include "engine/contract/error.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace fluxscope {
namespace {

std::filesystem::path lockFileOf(const std::filesystem::path& capture) {
    return capture.string() + "-writing";
}

// Between opening and locking, the holder may have taken the file away: then the lock is on a file nobody else will see.
bool isStillThere(int descriptor, const std::filesystem::path& file) {
    struct stat held{};
    struct stat named{};
    return ::fstat(descriptor, &held) == 0 && ::stat(file.c_str(), &named) == 0 &&
           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

std::optional<WritingLock> WritingLock::tryHold(const std::filesystem::path& capture) {
    const std::filesystem::path file = lockFileOf(capture);
    for (int attempt = 0; attempt < 20; ++attempt) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (descriptor < 0) {
            throw MachineError{
                capture.string(), "",
                "cannot be written: " + std::generic_category().message(errno) + " in its folder",
                "choose a folder you may write to"};
        }
        if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
            if (isStillThere(descriptor, file)) return WritingLock(file, descriptor);
            ::close(descriptor);
            continue;
        }
        ::close(descriptor);
        // A reader that is just asking holds it for a moment; a writer holds it much longer than this.
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return std::nullopt;
}

WritingLock::WritingLock(std::filesystem::path file, int descriptor)
    : file_(std::move(file)), descriptor_(descriptor) {}

WritingLock::WritingLock(WritingLock&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

WritingLock::~WritingLock() {
    if (descriptor_ < 0) return;
    ::unlink(file_.c_str());  // while it is held: whoever opens it from now on makes a new one
    ::close(descriptor_);
}

bool isBeingWritten(const std::filesystem::path& capture) {
    const int descriptor =
        ::open(lockFileOf(capture).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) return false;
    const bool held = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(descriptor);
    return held;
}

}  // namespace fluxscope
