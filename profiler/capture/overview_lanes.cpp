#include "profiler/capture/overview_lanes.h"

#include "profiler/capture/detail/tables.h"
#include "profiler/store/overview.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <limits>

namespace fluxscope {
namespace {

constexpr std::int64_t kMostBuckets = std::int64_t{1} << 40;

class Reading {
public:
    Reading(SQLite::Database& database, RunOverview& overview) : database_(database), overview_(overview) {}

    void read(RunIndex run, std::size_t buckets) {
        std::vector<std::int64_t> ids;
        readTable(database_, "run", overview_.problems, [&] {
            RowReader row(database_, "SELECT begin_ns FROM run WHERE run = ?", {run.value()});
            if (row.next()) overview_.origin = row.time(0);
        });
        readTable(database_, "lane", overview_.problems, [&] { ids = lanes(run); });
        readTable(database_, "overview", overview_.problems, [&] {
            overview_.level = levelFor(ids, buckets);
            for (std::size_t i = 0; i < ids.size(); ++i) fill(ids[i], overview_.lanes[i]);
        });
        overview_.width = Nanoseconds(std::int64_t{1} << overviewShift(overview_.level));
        std::erase_if(overview_.lanes, [](const OverviewBuckets& lane) { return lane.bucket.empty(); });
        tellBadRows(overview_.problems, "lane", badLanes_);
        tellBadRows(overview_.problems, "overview", bad_);
    }

private:
    std::vector<std::int64_t> lanes(RunIndex run) {
        constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
        std::vector<std::int64_t> ids;
        RowReader row(database_,
                      "SELECT lane, kind, phase, layer, device, stream FROM lane WHERE run = ? ORDER BY lane",
                      {run.value()});
        while (row.next()) {
            OverviewBuckets lane;
            if (row.text(1) == "phase") {
                lane.kind = LaneKind::Phase;
                lane.phase = row.text(2) == nameOf(Phase::Decode) ? Phase::Decode : Phase::Prefill;
                if (row.text(2) != nameOf(*lane.phase)) row.markBad();
            } else if (row.text(1) == "layer") {
                lane.kind = LaneKind::Layer;
                if (const auto layer = row.key<LayerIndex>(3, -1); layer.value() >= 0) lane.layer = layer;
            } else if (row.text(1) == "stream") {
                lane.device = static_cast<std::int32_t>(row.integer(4, 0, kMost));
                lane.stream = static_cast<std::int32_t>(row.integer(5, 0, kMost));
            } else if (row.text(1) == "unattributed") {
                lane.kind = LaneKind::Unattributed;
            } else {
                row.markBad();
            }
            if (row.isBad()) {
                ++badLanes_;
                continue;
            }
            ids.push_back(row.integer(0));
            overview_.lanes.push_back(std::move(lane));
        }
        return ids;
    }

    // Of those that the run has: on a CPU its overview may begin at kFinestLevelOnCpu.
    int levelFor(const std::vector<std::int64_t>& ids, std::size_t buckets) {
        int coarsest = 0;
        for (int level = 0; level < kOverviewLevels; ++level) {
            const std::optional<std::int64_t> last = lastBucketAt(level, ids);
            if (!last) continue;
            if (*last < static_cast<std::int64_t>(buckets)) return level;
            coarsest = level;
        }
        return coarsest;
    }

    // By the key of the table: a look at the last bucket of a lane costs no scan.
    std::optional<std::int64_t> lastBucketAt(int level, const std::vector<std::int64_t>& ids) {
        std::optional<std::int64_t> last;
        for (const std::int64_t lane : ids) {
            RowReader row(database_, "SELECT max(bucket) FROM overview WHERE level = ? AND lane = ?",
                          {level, lane});
            if (row.next() && !row.isNull(0)) last = std::max(last.value_or(0), row.integer(0, 0));
        }
        return last;
    }

    void fill(std::int64_t id, OverviewBuckets& lane) {
        RowReader row(database_,
                      "SELECT bucket, busy_ns, events, op FROM overview WHERE level = ? AND lane = ? ORDER "
                      "BY bucket",
                      {overview_.level, id});
        for (std::int64_t before = -1; row.next();) {
            const std::int64_t bucket = row.integer(0, 0, kMostBuckets);
            const std::int64_t busy = row.count(1);
            const std::int64_t events = row.count(2);
            const std::optional<Op> op = opIn(row, 3);
            if (row.isBad()) {
                ++bad_;
                continue;
            }
            if (bucket <= before) throw SQLite::Exception("its rows are out of order", SQLITE_CORRUPT);
            before = bucket;
            lane.bucket.push_back(bucket);
            lane.busy_ns.push_back(busy);
            lane.events.push_back(events);
            lane.op.push_back(op);
        }
    }

    SQLite::Database& database_;
    RunOverview& overview_;
    std::int64_t badLanes_ = 0;
    std::int64_t bad_ = 0;
};

}  // namespace

RunOverview readOverview(const std::filesystem::path& file, RunIndex run, std::size_t buckets) {
    RunOverview overview;
    readDevice(file, nullptr,
               [&](SQLite::Database& database) { Reading(database, overview).read(run, buckets); });
    return overview;
}

}  // namespace fluxscope
