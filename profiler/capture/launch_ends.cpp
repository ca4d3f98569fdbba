#include "profiler/capture/launch_ends.h"

#include "profiler/capture/detail/tables.h"

#include <algorithm>

namespace fluxscope {
namespace {

// The moments that calls of these correlation ids returned.
class Calls {
public:
    explicit Calls(const std::vector<std::int64_t>& correlations) : ids_(correlations) {
        if (!std::ranges::is_sorted(ids_)) std::ranges::sort(ids_);
        ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
        ends_.assign(ids_.size(), LaunchEnds::kUnknown);
    }

    void returned(std::int64_t id, std::int64_t end) {
        if (std::int64_t* known = find(id)) *known = std::max(*known, end);
    }
    std::int64_t of(std::int64_t id) { return *find(id); }

private:
    // Ids are asked for nearly in order: the next one is tried first.
    std::int64_t* find(std::int64_t id) {
        if (next_ >= ids_.size() || ids_[next_] != id) {
            const auto at = std::ranges::lower_bound(ids_, id);
            if (at == ids_.end() || *at != id) return nullptr;
            next_ = static_cast<std::size_t>(at - ids_.begin());
        }
        return &ends_[next_++];
    }

    std::vector<std::int64_t> ids_;
    std::vector<std::int64_t> ends_;
    std::size_t next_ = 0;
};

}  // namespace

LaunchEnds readLaunchEnds(const std::filesystem::path& file, RunIndex run, const KernelColumns& kernels,
                          const std::atomic<bool>* stop) {
    constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max() / 2;
    LaunchEnds launches;
    if (kernels.size() == 0) return launches;
    Calls calls(kernels.correlation);
    bool any = false;
    readDevice(file, stop, [&](SQLite::Database& database) {
        Positions ours;
        for (const char* table : {"run", "place"}) readTable(database, table, launches.problems, [] {});
        if (!launches.problems.empty()) return;
        readTable(database, "place", launches.problems, [&] {
            RowReader row(database,
                          "SELECT place FROM place WHERE run IN (SELECT run FROM run WHERE process = (SELECT "
                          "process FROM run WHERE run = ?))",
                          {run.value()});
            while (row.next()) ours.put(row.integer(0), 1);
        });
        std::int64_t bad = 0;
        readTable(database, "api", launches.problems, [&] {
            RowReader row(database, "SELECT place, correlation, begin_ns, duration_ns FROM api ORDER BY api");
            while (row.next()) {
                if (ours.of(row.integer(0)) == Positions::kUnknown) continue;
                const std::int64_t begin = row.integer(2);
                const std::int64_t duration = row.integer(3, -1, kLatest);
                if (row.isBad() || (duration >= 0 && (begin < 0 || begin > kLatest))) {
                    ++bad;
                    continue;
                }
                if (duration < 0) continue;  // a bad time stamp
                any = true;
                calls.returned(row.integer(1), begin + duration);
            }
        });
        tellBadRows(launches.problems, "api", bad);
    });
    if (!any) return launches;
    launches.ns.reserve(kernels.size());
    for (const std::int64_t id : kernels.correlation) launches.ns.push_back(calls.of(id));
    return launches;
}

}  // namespace fluxscope
