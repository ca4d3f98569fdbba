// A disk with room for so many bytes and no more. It lies between SQLite and the system's files, is SQLite's default while it lives, and
// writes what still fits before it says that it is full, as a real one does.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>

namespace fluxscope::testing {

// SQLite's methods for files that are locked and for those that are not, each with our way of writing.
struct FullDiskMethods {
    const sqlite3_io_methods* ofSystem = nullptr;
    sqlite3_io_methods ours{};
};

class FullDisk {
public:
    explicit FullDisk(std::int64_t bytes = std::numeric_limits<std::int64_t>::max()) {
        room = bytes;
        grown = 0;
        system = sqlite3_vfs_find(nullptr);
        disk = *system;
        disk.zName = "full-disk";
        disk.xOpen = open;
        sqlite3_vfs_register(&disk, 1);
    }
    ~FullDisk() {
        sqlite3_vfs_unregister(&disk);
        sqlite3_vfs_register(system, 1);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

    std::int64_t bytesGrown() const { return grown; }

private:
    static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* outFlags) {
        const int result = system->xOpen(system, name, file, flags, outFlags);
        if (result != SQLITE_OK || file->pMethods == nullptr) return result;
        const std::lock_guard lock(mutex);
        for (FullDiskMethods& known : methods) {
            if (known.ofSystem != nullptr && known.ofSystem != file->pMethods) continue;
            if (known.ofSystem == nullptr) {
                known = {file->pMethods, *file->pMethods};
                known.ours.xWrite = write;
            }
            file->pMethods = &known.ours;
            return result;
        }
        return SQLITE_ERROR;
    }

    // Only what makes a file longer needs room: what was there before can be written again, by a rollback for one.
    static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 at) {
        sqlite3_int64 size = 0;
        file->pMethods->xFileSize(file, &size);
        const std::int64_t needs = std::clamp<std::int64_t>(at + count - size, 0, count);
        const std::int64_t has = std::clamp<std::int64_t>(room.fetch_sub(needs), 0, needs);
        grown += has;
        const auto fits = static_cast<int>(count - needs + has);
        int result = SQLITE_OK;
        if (fits > 0) {
            const sqlite3_io_methods* const ours = file->pMethods;
            for (const FullDiskMethods& known : methods)
                if (&known.ours == ours) result = known.ofSystem->xWrite(file, bytes, fits, at);
        }
        return fits < count ? SQLITE_FULL : result;
    }

    // SQLite's interface is of plain functions: there is one such disk at a time.
    inline static std::atomic<std::int64_t> room{0}, grown{0};
    inline static sqlite3_vfs* system = nullptr;
    inline static sqlite3_vfs disk{};
    inline static std::mutex mutex;
    inline static std::array<FullDiskMethods, 8> methods{};
};

}  // namespace fluxscope::testing
