#include "profiler/analysis/detail/busy_time.h"

#include <algorithm>
#include <queue>

namespace fluxscope {

BusyTime::BusyTime(const KernelColumnsView& kernels, std::span<const std::uint32_t> owner) {
    using Ending = std::pair<std::int64_t, std::uint32_t>;  // when, whose
    std::priority_queue<Ending, std::vector<Ending>, std::greater<>> ends;
    std::vector<std::pair<std::uint32_t, std::int32_t>> count;  // kernels running of each owner: a few
    std::vector<std::uint32_t> owners;
    const auto change = [&](std::uint32_t who, std::int32_t by) {
        const auto at = std::ranges::find(count, who, &std::pair<std::uint32_t, std::int32_t>::first);
        if (at == count.end()) {
            count.emplace_back(who, by);
        } else {
            at->second += by;
            if (at->second != 0) return;
            count.erase(at);
        }
        owners.clear();
        for (const auto& [one, kernelsOfIt] : count) owners.push_back(one);
    };
    std::int64_t now = 0;
    const auto advanceTo = [&](std::int64_t until) {
        while (!ends.empty() && ends.top().first <= until) {
            const auto [next, who] = ends.top();
            add(now, next, owners);
            now = std::max(now, next);
            ends.pop();
            change(who, -1);
        }
        if (!ends.empty()) add(now, until, owners);
        now = std::max(now, until);
    };
    for (const std::uint32_t k : inOrderOfTime(kernels)) {
        if (ends.empty())
            now = kernels.begin[k];
        else
            advanceTo(kernels.begin[k]);
        ends.emplace(kernels.end(k), owner[k]);
        change(owner[k], 1);
    }
    if (!ends.empty()) advanceTo(std::numeric_limits<std::int64_t>::max());
}

void BusyTime::add(std::int64_t from, std::int64_t to, std::span<const std::uint32_t> owners) {
    if (to <= from || owners.empty()) return;
    // One owner's kernels back to back, or on several streams, are one piece.
    if (!end_.empty() && end_.back() == from && std::ranges::equal(running(size() - 1), owners)) {
        end_.back() = to;
        return;
    }
    begin_.push_back(from);
    end_.push_back(to);
    owners_.insert(owners_.end(), owners.begin(), owners.end());
    first_.push_back(owners_.size());
}

}  // namespace fluxscope
