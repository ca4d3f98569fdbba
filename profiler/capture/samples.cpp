#include "profiler/capture/samples.h"

#include "profiler/capture/detail/tables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace fluxscope {
namespace {

template <class Value>
void permute(std::vector<Value>& column, const std::vector<std::size_t>& order) {
    std::vector<Value> sorted;
    sorted.reserve(column.size());
    for (const std::size_t at : order) sorted.push_back(column[at]);
    column = std::move(sorted);
}

void sortByTime(SampledMetric& metric) {
    if (std::ranges::is_sorted(metric.begin_ns)) return;
    std::vector<std::size_t> order(metric.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t at) { return metric.begin_ns[at]; });
    permute(metric.begin_ns, order);
    permute(metric.end_ns, order);
    permute(metric.value, order);
}

}  // namespace

RunSamples readSamples(const std::filesystem::path& file, RunIndex run, const std::atomic<bool>* stop) {
    constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max() / 2;
    RunSamples samples;
    readDevice(file, stop, [&](SQLite::Database& database) {
        Positions at;
        std::int64_t badMetrics = 0;
        readTable(database, "metric", samples.problems, [&] {
            RowReader row(database,
                          "SELECT metric, device, name, source FROM metric WHERE run = ? ORDER BY metric",
                          {run.value()});
            while (row.next()) {
                SampledMetric metric;
                metric.device =
                    static_cast<std::int32_t>(row.integer(1, 0, std::numeric_limits<std::int32_t>::max()));
                metric.metric = row.string(2);
                metric.source = row.string(3);
                if (row.isBad() || metric.metric.empty()) {
                    ++badMetrics;
                    continue;
                }
                at.put(row.integer(0), static_cast<std::int32_t>(samples.metrics.size()));
                samples.metrics.push_back(std::move(metric));
            }
        });
        tellBadRows(samples.problems, "metric", badMetrics);
        if (samples.metrics.empty()) return;
        std::int64_t bad = 0;
        readTable(database, "sample", samples.problems, [&] {
            RowReader row(database,
                          "SELECT metric, begin_ns, duration_ns, value FROM sample ORDER BY sample");
            while (row.next()) {
                const std::int32_t which = at.of(row.integer(0));
                if (which == Positions::kUnknown) continue;  // of another run
                const std::int64_t begin = row.integer(1, 0, kLatest);
                const std::int64_t duration = row.integer(2, 0, kLatest);
                const double value = row.real(3);
                if (row.isBad() || !std::isfinite(value)) {
                    ++bad;
                    continue;
                }
                SampledMetric& metric = samples.metrics[static_cast<std::size_t>(which)];
                metric.begin_ns.push_back(begin);
                metric.end_ns.push_back(begin + duration);
                metric.value.push_back(value);
            }
        });
        tellBadRows(samples.problems, "sample", bad);
    });
    for (SampledMetric& metric : samples.metrics) sortByTime(metric);
    return samples;
}

}  // namespace fluxscope
