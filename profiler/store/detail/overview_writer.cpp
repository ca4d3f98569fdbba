#include "profiler/store/detail/overview_writer.h"

#include <algorithm>
#include <array>

namespace fluxscope {
namespace {

constexpr std::array<std::string_view, 4> kKinds{"phase", "layer", "stream", "unattributed"};
enum Kind : std::int32_t { kPhase, kLayer, kStream, kUnattributed };

// A device's records come within a second of what they tell; this much later they are not waited for any more.
constexpr std::int64_t kRemembered_ns = 4'000'000'000;

}  // namespace

OverviewWriter::OverviewWriter(SQLite::Database& database)
    : addLane_(
          database,
          "INSERT INTO lane (lane, run, kind, phase, layer, device, stream) VALUES (?, ?, ?, ?, ?, ?, ?)"),
      forgetBuckets_(database,
                     "DELETE FROM overview WHERE level BETWEEN 0 AND 9 AND lane IN (SELECT lane FROM lane "
                     "WHERE run = ?)"),
      forgetLanes_(database, "DELETE FROM lane WHERE run = ?"),
      put_(database, "INSERT OR REPLACE INTO overview (level, lane, bucket, busy_ns, events, op) VALUES",
           "(?, ?, ?, ?, ?, ?)") {
    RawStatement last(database, "SELECT coalesce(max(lane), 0) FROM lane");
    last.run();
    lastLane_ = last.first();
}

void OverviewWriter::beginRun(std::int64_t run, std::int64_t beginNs, int finestLevel) {
    lanes_.clear();
    std::ranges::fill(isRecent_, false);
    run_ = run;
    runBegin_ = beginNs;
    finestLevel_ = finestLevel;
    newest_ = 0;
    tooLate_ = 0;
}

void OverviewWriter::startOver() {
    forgetBuckets_.run(run_);
    forgetLanes_.run(run_);
    beginRun(run_, runBegin_, finestLevel_);
}

OverviewWriter::Lane& OverviewWriter::lane(const LaneKey& key) {
    const auto kind = static_cast<std::size_t>(key[0]);
    if (isRecent_[kind] && recent_[kind]->first == key) return recent_[kind]->second;
    const auto [at, isNew] = lanes_.try_emplace(key, finestLevel_);
    if (isNew) {
        at->second.id = ++lastLane_;
        const auto [_, phase, layer, device, stream] = key;
        addLane_.run(lastLane_, run_, kKinds[kind],
                     phase < 0 ? std::string_view{} : nameOf(static_cast<Phase>(phase)), layer, device,
                     stream);
    }
    recent_[kind] = at;
    isRecent_[kind] = true;
    return at->second;
}

void OverviewWriter::add(Lane& lane, std::int64_t begin, std::int64_t end, const PlaceParts& place) {
    std::optional<Op> op;
    if (place[5] >= 0) op = static_cast<Op>(place[5]);
    if (!lane.sums.add(begin - runBegin_, end - runBegin_, op)) ++tooLate_;
}

void OverviewWriter::addToPlace(const PlaceParts& place, std::int64_t begin, std::int64_t end) {
    newest_ = std::max(newest_, end - runBegin_);
    if (place[2] < 0) {
        add(lane({kUnattributed, -1, -1, -1, -1}), begin, end, place);
        return;
    }
    add(lane({kPhase, place[2], -1, -1, -1}), begin, end, place);
    add(lane({kLayer, -1, place[3], -1, -1}), begin, end, place);
}

void OverviewWriter::addOnHost(const PlaceParts& place, std::int64_t beginNs, std::int64_t endNs) {
    addToPlace(place, beginNs, endNs);
}

void OverviewWriter::addOnDevice(const PlaceParts& place, std::int32_t device, std::int32_t stream,
                                 std::int64_t beginNs, std::int64_t endNs) {
    addToPlace(place, beginNs, endNs);
    add(lane({kStream, -1, -1, device, stream}), beginNs, endNs, place);
}

std::size_t OverviewWriter::flush() {
    std::size_t rows = 0;
    for (auto& [key, lane] : lanes_) {
        // By name, for clang 14 cannot capture what a structured binding names.
        lane.sums.takeChanged([&, id = lane.id](int level, std::int64_t bucket, const OverviewSum& sum) {
            const std::optional<Op> op = sum.leadingOp();
            put_.add(level, id, bucket, sum.total(), sum.events, op ? nameOf(*op) : std::string_view{});
            ++rows;
        });
        lane.sums.forgetBefore(newest_ - kRemembered_ns);
    }
    put_.flush();
    return rows;
}

}  // namespace fluxscope
