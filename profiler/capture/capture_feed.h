// Reads a capture, live or finished, on a thread of its own and publishes a new Snapshot at most four times a second.
//
// A file that does not exist yet is waited for; a damaged one yields what can be read and says what is missing. The
// reader trusts nothing in the file: read-only, defensive, no views or triggers of the file are ever run.
#pragma once

#include "profiler/capture/snapshot.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

namespace fluxscope {

class CaptureFeed {
public:
    using Publish = std::function<void(SnapshotPtr)>;  // called on the feed's thread

    static constexpr std::chrono::milliseconds kInterval{250};

    CaptureFeed(std::filesystem::path file, Publish publish);
    ~CaptureFeed();
    CaptureFeed(const CaptureFeed&) = delete;
    CaptureFeed& operator=(const CaptureFeed&) = delete;

private:
    struct Worker;
    std::unique_ptr<Worker> worker_;
};

// The whole file once, on the calling thread: for reports, the command line and tests.
// Throws InputError when it is not a capture, or one written by a newer version.
SnapshotPtr readCapture(const std::filesystem::path& file);

}  // namespace fluxscope
