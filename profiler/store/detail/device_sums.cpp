#include "profiler/store/detail/device_sums.h"

#include <array>
#include <unordered_map>
#include <vector>

namespace fluxscope {
namespace {

constexpr std::array kPhases{Phase::Prefill, Phase::Decode};

std::int32_t phaseOf(std::string_view name) {
    for (const Phase phase : kPhases) {
        if (name == nameOf(phase)) return static_cast<std::int32_t>(phase);
    }
    return -1;
}

std::int32_t opOf(std::string_view name) {
    for (int op = 0; op <= static_cast<int>(Op::Sample); ++op) {
        if (name == nameOf(static_cast<Op>(op))) return op;
    }
    return -1;
}

std::unordered_map<std::int64_t, PlaceParts> placesOf(SQLite::Database& database, std::int64_t run) {
    std::unordered_map<std::int64_t, PlaceParts> places;
    RawStatement row(database, "SELECT place, batch, turn, phase, layer, chunk, op FROM place WHERE run = ?");
    const auto number = [&row](int column) { return static_cast<std::int32_t>(row.integer(column)); };
    for (row.start(run); row.next();) {
        places[row.integer(0)] = {number(1), number(2), phaseOf(row.text(3)),
                                  number(4), number(5), opOf(row.text(6))};
    }
    return places;
}

}  // namespace

void eachKernel(SQLite::Database& database, std::int64_t run, const VisitKernel& visit) {
    const auto places = placesOf(database, run);
    RawStatement row(
        database,
        "SELECT k.place, step, device, stream, k.begin_ns, duration_ns FROM kernel_block AS b JOIN "
        "kernel AS k ON kernel BETWEEN first_kernel AND last_kernel WHERE run = ? ORDER BY block, kernel");
    const auto number = [&row](int column) { return static_cast<std::int32_t>(row.integer(column)); };
    for (row.start(run); row.next();) {
        const auto place = places.find(row.integer(0));
        visit(place == places.end() ? kNobody : place->second, number(1), number(2), number(3),
              row.integer(4), row.integer(5));
    }
}

bool sumUpOverview(SQLite::Database& database, std::int64_t run, bool isOnCpu, OverviewWriter& into) {
    // Of the finest level, filled from end to end: nine minutes of kernels that are longer than a quarter of a millisecond.
    constexpr std::int64_t kMostBuckets = std::int64_t{1} << 21;
    std::int64_t buckets = 0;
    const auto hasRoom = [&](std::int64_t duration) {
        if (buckets <= kMostBuckets) buckets += duration >> overviewShift(into.finestLevel());
        return buckets <= kMostBuckets;
    };
    if (!isOnCpu) {
        eachKernel(database, run,
                   [&](const PlaceParts& place, std::int32_t, std::int32_t device, std::int32_t stream,
                       std::int64_t begin, std::int64_t duration) {
                       if (duration >= 0 && hasRoom(duration))
                           into.addOnDevice(place, device, stream, begin, begin + duration);
                   });
        return hasRoom(0);
    }
    RawStatement row(database,
                     "SELECT batch, turn, phase, layer, chunk, op, begin_ns, end_ns FROM scope WHERE run = ? "
                     "AND op <> ''");
    const auto number = [&row](int column) { return static_cast<std::int32_t>(row.integer(column)); };
    for (row.start(run); row.next();) {
        if (row.integer(7) < row.integer(6)) continue;
        if (!hasRoom(row.integer(7) - row.integer(6))) return false;
        into.addOnHost({number(0), number(1), phaseOf(row.text(2)), number(3), number(4), opOf(row.text(5))},
                       row.integer(6), row.integer(7));
    }
    return true;
}

std::int64_t attributeLate(SQLite::Database& database, std::int64_t run,
                           std::span<const LateAttribution> late, Interning& interning,
                           std::int64_t nobodys) {
    std::unordered_map<std::int64_t, const LateAttribution*> launches;
    for (const LateAttribution& one : late) launches[one.correlation] = &one;

    std::vector<std::pair<std::int64_t, const LateAttribution*>> found;
    RawStatement row(database,
                     "SELECT kernel, correlation FROM kernel_block AS b JOIN kernel AS k ON kernel BETWEEN "
                     "first_kernel AND last_kernel WHERE run = ? AND attribution = ?");
    for (row.start(run, nobodys); row.next();) {
        const auto launch = launches.find(row.integer(1));
        if (launch != launches.end()) found.emplace_back(row.integer(0), launch->second);
    }
    RawStatement change(database, "UPDATE kernel SET place = ?, step = ?, attribution = ? WHERE kernel = ?");
    for (const auto& [kernel, launch] : found) {
        change.run(interning.place(placePartsOf(launch->place)), launch->place.step.value(),
                   interning.name(nameOf(launch->by)), kernel);
    }
    return static_cast<std::int64_t>(found.size());
}

}  // namespace fluxscope
