#include "profiler/store/overview.h"

#include <algorithm>
#include <numeric>

namespace fluxscope {

std::int64_t OverviewSum::total() const { return std::accumulate(busy.begin(), busy.end(), std::int64_t{0}); }

std::optional<Op> OverviewSum::leadingOp() const {
    const auto most = std::ranges::max_element(busy);  // the first of equals
    const auto op = static_cast<int>(most - busy.begin());
    if (op == kOps) return std::nullopt;
    return static_cast<Op>(op);
}

OverviewSum& OverviewSum::operator+=(const OverviewSum& other) {
    for (std::size_t i = 0; i < busy.size(); ++i) busy[i] += other.busy[i];
    events += other.events;
    return *this;
}

std::size_t OverviewLane::Level::indexOf(std::int64_t number) const {
    const auto begin = buckets.begin() + static_cast<std::ptrdiff_t>(first);
    const auto found =
        std::ranges::lower_bound(begin, buckets.end(), number, {}, &std::pair<std::int64_t, Bucket>::first);
    return static_cast<std::size_t>(found - buckets.begin());
}

OverviewLane::Bucket& OverviewLane::Level::at(std::int64_t number) {
    if (buckets.size() == first || buckets.back().first < number)
        return buckets.emplace_back(number, Bucket{}).second;
    if (buckets.back().first == number) return buckets.back().second;
    const std::size_t index = indexOf(number);
    if (buckets[index].first != number)
        buckets.insert(buckets.begin() + static_cast<std::ptrdiff_t>(index), {number, Bucket{}});
    return buckets[index].second;
}

// Moves what is left only when that is less than what goes.
void OverviewLane::Level::forgetBefore(std::int64_t number) {
    first = indexOf(number);
    if (first <= buckets.size() / 2) return;
    buckets.erase(buckets.begin(), buckets.begin() + static_cast<std::ptrdiff_t>(first));
    first = 0;
}

OverviewLane::Bucket& OverviewLane::addTo(int level, std::int64_t at) {
    Level& here = levels_[static_cast<std::size_t>(level)];
    Bucket& bucket = here.at(at);
    if (!bucket.isChanged) {
        bucket.isChanged = true;
        here.changed.push_back(at);
    }
    return bucket;
}

bool OverviewLane::add(std::int64_t begin, std::int64_t end, std::optional<Op> op) {
    if (begin < forgotten_) return false;
    const int which = op ? static_cast<int>(*op) : kOps;
    const int shift = overviewShift(finest_);
    const std::int64_t length = std::int64_t{1} << shift;
    const std::int64_t first = begin >> shift;
    for (std::int64_t at = first; at == first || at * length < end; ++at) {
        if (last_ == nullptr || lastAt_ != at) {
            last_ = &addTo(finest_, at);
            lastAt_ = at;
        }
        const std::int64_t inside = std::min(end, (at + 1) * length) - std::max(begin, at * length);
        last_->add(which, inside, at == first ? 1 : 0);
    }
    return true;
}

void OverviewLane::forgetBefore(std::int64_t moment) {
    for (int level = finest_; level < kOverviewLevels; ++level)
        levels_[static_cast<std::size_t>(level)].forgetBefore(moment >> overviewShift(level));
    last_ = nullptr;
    const int shift = overviewShift(finest_);
    forgotten_ = std::max(forgotten_, (moment >> shift) << shift);
}

}  // namespace fluxscope
