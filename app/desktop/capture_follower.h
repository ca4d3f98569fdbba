// The capture the window shows: its feed reads on a thread of its own, what it publishes arrives here on the UI thread.
#pragma once

#include "profiler/capture/capture_feed.h"

#include <QObject>
#include <filesystem>
#include <memory>

namespace fluxscope {

class CaptureFollower : public QObject {
    Q_OBJECT

public:
    using QObject::QObject;

    void follow(const std::filesystem::path& file);
    void stop();
    const SnapshotPtr& snapshot() const { return snapshot_; }  // null: nothing read yet

signals:
    void snapshotCame(const fluxscope::SnapshotPtr& snapshot);

private:
    std::unique_ptr<CaptureFeed> feed_;
    std::uint64_t followed_ = 0;  // which file a late snapshot belongs to
    SnapshotPtr snapshot_;
};

}  // namespace fluxscope
