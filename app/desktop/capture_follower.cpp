#include "app/desktop/capture_follower.h"

namespace fluxscope {

void CaptureFollower::follow(const std::filesystem::path& file) {
    stop();
    const std::uint64_t number = followed_;
    feed_ = std::make_unique<CaptureFeed>(file, [this, number](SnapshotPtr snapshot) {
        QMetaObject::invokeMethod(
            this,
            [this, number, snapshot = std::move(snapshot)] {
                if (number != followed_) return;
                snapshot_ = snapshot;
                emit snapshotCame(snapshot_);
            },
            Qt::QueuedConnection);
    });
}

void CaptureFollower::stop() {
    ++followed_;
    feed_.reset();
    snapshot_.reset();
}

}  // namespace fluxscope
