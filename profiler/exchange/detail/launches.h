// Which kernel a launch's arrow points to: the first one. The kernels of a graph share the correlation of its launch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

namespace fluxscope {

class FirstOfLaunch {
public:
    // The kernels of a launch come close to each other, so that remembering the last ones is enough.
    bool isFirst(std::int64_t correlation) {
        if (correlation == 0 || !recent_.insert(correlation).second) return false;
        if (order_.size() < kRemembered) {
            order_.push_back(correlation);
        } else {
            recent_.erase(order_[oldest_]);
            order_[oldest_] = correlation;
            oldest_ = (oldest_ + 1) % kRemembered;
        }
        return true;
    }

private:
    static constexpr std::size_t kRemembered = 1 << 14;

    std::unordered_set<std::int64_t> recent_;
    std::vector<std::int64_t> order_;
    std::size_t oldest_ = 0;
};

}  // namespace fluxscope
