// Where a capture lies while it is recorded. SQLite's log needs memory that processes share, which a file system of another machine does
// not have: what is to lie there is recorded in this machine's folder for temporary files, and moved when it is finished.
#pragma once

#include "profiler/store/writing_lock.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace fluxscope {

// By the kind of its file system; FUSE counts as one of another machine.
bool isOnNetwork(const std::filesystem::path& folder);

class RecordingPlace {
public:
    // `isRemote` is asked of the folder. Throws InputError when somebody else is writing the file, MachineError when what is there
    // already cannot be fetched.
    RecordingPlace(std::filesystem::path wanted,
                   const std::function<bool(const std::filesystem::path&)>& isRemote);
    ~RecordingPlace();
    RecordingPlace(const RecordingPlace&) = delete;
    RecordingPlace& operator=(const RecordingPlace&) = delete;

    const std::filesystem::path& file() const { return file_; }  // to write

    // Once it is one file: to where it is wanted. Otherwise one sentence that says where it stays.
    std::optional<std::string> settle();

    void forget();  // nothing will be written: what was fetched goes

private:
    void fetch();

    std::filesystem::path wanted_;
    std::filesystem::path file_;
    std::filesystem::path folder_;     // ours, empty when the file is where it is wanted
    std::optional<WritingLock> lock_;  // of the file that is wanted: readers wait for it, others keep away
};

}  // namespace fluxscope
