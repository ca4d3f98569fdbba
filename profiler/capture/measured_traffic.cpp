#include "profiler/capture/measured_traffic.h"

#include "profiler/capture/detail/tables.h"

#include <array>
#include <cmath>
#include <limits>
#include <map>

namespace fluxscope {
namespace {

Confidence confidenceIn(RowReader& row, int column) {
    constexpr std::array kAll{Confidence::Low, Confidence::Medium, Confidence::High};
    for (const Confidence confidence : kAll)
        if (row.text(column) == nameOf(confidence)) return confidence;
    row.markBad();
    return Confidence::Low;
}

}  // namespace

RunTraffic readTraffic(const std::filesystem::path& file, RunIndex run, const std::atomic<bool>* stop) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    RunTraffic traffic;
    readDevice(file, stop, [&](SQLite::Database& database) {
        Positions placeAt;
        std::vector<ScopeKey> places;
        std::int64_t badPlaces = 0;
        readTable(database, "place", traffic.problems, [&] {
            RowReader row(database,
                          "SELECT place, batch, turn, phase, layer, chunk, op FROM place WHERE run = ?",
                          {run.value()});
            while (row.next()) {
                const std::optional<ScopeKey> place = placeIn(row, 1);
                if (row.isBad()) ++badPlaces;
                if (row.isBad() || !place) continue;
                placeAt.put(row.integer(0), static_cast<std::int32_t>(places.size()));
                places.push_back(*place);
            }
        });
        tellBadRows(traffic.problems, "place", badPlaces);
        if (places.empty()) return;
        std::map<std::string, std::int32_t, std::less<>> metricAt;
        std::int64_t bad = 0;
        readTable(database, "traffic", traffic.problems, [&] {
            RowReader row(database,
                          "SELECT place, step, metric, value, source, pass, confidence, samples FROM traffic "
                          "ORDER BY traffic");
            while (row.next()) {
                const std::int32_t place = placeAt.of(row.integer(0));
                if (place == Positions::kUnknown) continue;  // of another run
                MeasuredTraffic one{.scope = places[static_cast<std::size_t>(place)],
                                    .value = row.real(3),
                                    .sampled = row.text(4) == "hw_pm",
                                    .pass = static_cast<std::int32_t>(row.integer(5, 0, kMost)),
                                    .confidence = confidenceIn(row, 6),
                                    .samples = row.count(7)};
                one.scope.step = row.key<StepIndex>(1);
                if (row.isBad() || !std::isfinite(one.value) || one.value < 0 || row.text(2).empty() ||
                    (!one.sampled && row.text(4) != "hw_range")) {
                    ++bad;
                    continue;
                }
                auto metric = metricAt.find(row.text(2));
                if (metric == metricAt.end()) {
                    metric =
                        metricAt.emplace(row.string(2), static_cast<std::int32_t>(traffic.metrics.size()))
                            .first;
                    traffic.metrics.push_back(row.string(2));
                }
                one.metric = metric->second;
                traffic.rows.push_back(one);
            }
        });
        tellBadRows(traffic.problems, "traffic", bad);
    });
    return traffic;
}

}  // namespace fluxscope
