#include "profiler/record/detail/device_batches.h"

#include <numeric>
#include <utility>

namespace fluxscope {
namespace {

template <class Visit>
void eachDroppable(DeviceBatch& b, Visit visit) {
    std::size_t kind = 0;
    (visit(b.kernels, kind++), visit(b.traffic, kind++), visit(b.copies, kind++), visit(b.fills, kind++),
     visit(b.syncs, kind++), visit(b.calls, kind++), visit(b.overheads, kind++), visit(b.samples, kind++));
}

}  // namespace

std::int64_t DeviceBatches::push(DeviceBatch batch, std::int64_t epoch) {
    DeviceBatch refused;  // taken apart outside of the lock
    DroppedByKind dropped{};
    {
        const std::lock_guard lock(mutex_);
        std::size_t records = 0;
        eachDroppable(batch, [&](auto& kind, std::size_t which) {
            if (records + kind.size() <= room_) {
                records += kind.size();
                return;
            }
            dropped[which] = static_cast<std::int64_t>(kind.size());
            dropped_[which] += dropped[which];
            eachDroppable(refused, [&](auto& other, std::size_t at) {
                if constexpr (std::is_same_v<decltype(other), decltype(kind)>) {
                    if (at == which) other.swap(kind);
                }
            });
        });
        room_ -= records;
        batches_.push_back({std::move(batch), epoch, records});
    }
    return std::accumulate(dropped.begin(), dropped.end(), std::int64_t{0});
}

bool DeviceBatches::pop(DeviceBatch& batch, std::int64_t upTo) {
    const std::lock_guard lock(mutex_);
    if (batches_.empty() || batches_.front().epoch > upTo) return false;
    batch = std::move(batches_.front().batch);
    room_ += batches_.front().records;
    batches_.pop_front();
    return true;
}

DroppedByKind DeviceBatches::dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
}

}  // namespace fluxscope
