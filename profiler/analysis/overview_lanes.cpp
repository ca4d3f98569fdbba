#include "profiler/analysis/overview_lanes.h"

#include "profiler/analysis/detail/saturating.h"

#include <algorithm>

namespace fluxscope {

namespace {

std::string nameOf(const OverviewBuckets& lane, bool severalDevices) {
    if (lane.kind == LaneKind::Unattributed) return "unattributed";
    const std::string stream = "stream " + std::to_string(lane.stream);
    return severalDevices ? "device " + std::to_string(lane.device) + ", " + stream : stream;
}

Lane laneOf(const OverviewBuckets& from, Nanoseconds width) {
    Lane lane;
    LaneBuckets buckets;
    const std::int64_t first = from.bucket.front();
    buckets.width = width.count();
    const std::int64_t count = std::min(minus(from.bucket.back(), first) + 1, kMostLaneBuckets);
    buckets.busy.assign(static_cast<std::size_t>(count), 0);
    buckets.count.assign(static_cast<std::size_t>(count), 0);
    for (std::size_t i = 0; i < from.size(); ++i) {
        const std::int64_t at = from.bucket[i] - first;
        if (at >= count) {
            lane.omitted = plus(lane.omitted, from.events[i]);
            continue;
        }
        const double share = static_cast<double>(from.busy_ns[i]) / static_cast<double>(width.count());
        buckets.busy[static_cast<std::size_t>(at)] = static_cast<float>(std::min(share, 1.0));
        buckets.count[static_cast<std::size_t>(at)] = static_cast<std::uint32_t>(
            std::min<std::int64_t>(from.events[i], std::numeric_limits<std::uint32_t>::max()));
    }
    lane.buckets = std::move(buckets);
    return lane;
}

void moveBack(TimeLine& line, std::int64_t by) {
    line.origin = minus(line.origin, Nanoseconds{by});
    line.length = plus(line.length, by);
    for (Lane& lane : line.lanes) {
        for (auto* times : {&lane.bars.begin, &lane.bars.end})
            for (std::int64_t& time : *times) time = plus(time, by);
        if (lane.buckets) lane.buckets->begin = plus(lane.buckets->begin, by);
    }
}

}  // namespace

void addOverview(TimeLine& line, const RunOverview& overview) {
    if (overview.width.count() <= 0) return;
    const bool severalDevices = std::ranges::any_of(overview.lanes, [&](const OverviewBuckets& lane) {
        return lane.kind == LaneKind::Stream && lane.device > 0;
    });
    for (const OverviewBuckets& from : overview.lanes) {
        if ((from.kind != LaneKind::Stream && from.kind != LaneKind::Unattributed) || from.bucket.empty())
            continue;
        // A bucket's number times its width: 2^40 of 2^36 ns would be too much.
        std::int64_t since = 0;
        if (__builtin_mul_overflow(from.bucket.front(), overview.width.count(), &since)) continue;
        const std::int64_t begin = plus(overview.origin.count(), since);
        if (line.empty())
            line.origin = Nanoseconds{begin};
        else if (begin < line.origin.count())
            moveBack(line, minus(line.origin.count(), begin));
        Lane lane = laneOf(from, overview.width);
        lane.name = nameOf(from, severalDevices);
        lane.buckets->begin = minus(begin, line.origin.count());
        const auto buckets = static_cast<std::int64_t>(lane.buckets->busy.size());
        line.length = std::max(line.length, plus(lane.buckets->begin, buckets * overview.width.count()));
        line.lanes.push_back(std::move(lane));
    }
    if (line.timeOrigin.empty() && !line.lanes.empty())
        line.timeOrigin = "measured, CUPTI: how busy each bucket was";
}

}  // namespace fluxscope
