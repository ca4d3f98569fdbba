#include "profiler/capture/run_facts.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/collector_rows.h"
#include "profiler/capture/detail/tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace fluxscope {
namespace {

void readDevices(SQLite::Database& database, RunFactsRead& into) {
    readTable(database, "device", into.problems, [&] {
        std::int64_t bad = 0;
        RowReader row(database,
                      "SELECT process, device, name, uuid, bus, compute_major, compute_minor, "
                      "multiprocessors, memory_bytes, l2_bytes, bytes_per_second, clock_hz FROM device "
                      "ORDER BY process, device");
        while (row.next()) {
            const auto small = [&row](int column) {
                return static_cast<std::int32_t>(
                    row.integer(column, 0, std::numeric_limits<std::int32_t>::max()));
            };
            DeviceInfo info{.process = row.key<ProcessIndex>(0),
                            .device = {.device = small(1),
                                       .name = row.string(2),
                                       .uuid = row.string(3),
                                       .bus = row.string(4),
                                       .computeMajor = small(5),
                                       .computeMinor = small(6),
                                       .multiprocessors = small(7),
                                       .memoryBytes = row.count(8),
                                       .l2Bytes = row.count(9),
                                       .bytesPerSecond = row.count(10),
                                       .clockHz = row.count(11)}};
            if (row.isBad())
                ++bad;
            else
                into.devices.push_back(std::move(info));
        }
        tellBadRows(into.problems, "device", bad);
    });
}

}  // namespace

std::string sentenceOf(const CollectorInfo& collector) {
    std::string text = printable(collector.name) +
                       (collector.run < 0 ? "" : " of run " + std::to_string(collector.run)) + ": " +
                       printable(collector.state);
    if (!collector.reason.empty()) text += ", " + printable(collector.reason, 400);
    if (!collector.remedy.empty()) text += "; " + printable(collector.remedy, 400);
    return text;
}

std::optional<CollectorInfo> collectorIn(RowReader& row) {
    static constexpr std::array<std::string_view, 3> kStates{"running", "stopped", "missing"};
    CollectorInfo info{.process = row.key<ProcessIndex>(0),
                       .run = row.integer(1, -1),
                       .name = row.string(2),
                       .state = row.string(3),
                       .reason = row.string(4),
                       .remedy = row.string(5)};
    if (row.isBad() || std::ranges::find(kStates, info.state) == kStates.end()) return std::nullopt;
    return info;
}

void readCollectors(SQLite::Database& database, RunFactsRead& into) {
    readTable(database, "collector", into.problems, [&] {
        std::int64_t bad = 0;
        RowReader row(database, kCollectorQuery);
        while (row.next()) {
            if (auto info = collectorIn(row))
                into.collectors.push_back(std::move(*info));
            else
                ++bad;
        }
        tellBadRows(into.problems, "collector", bad);
    });
}

void readFigures(SQLite::Database& database, RunFactsRead& into) {
    readTable(database, "quality", into.problems, [&] {
        std::int64_t bad = 0;
        RowReader row(database, "SELECT run, figure, value, note FROM quality ORDER BY run, figure");
        while (row.next()) {
            FigureInfo info{row.key<RunIndex>(0), row.string(1), row.real(2), row.string(3)};
            if (row.isBad() || !std::isfinite(info.value))
                ++bad;
            else
                into.figures.push_back(std::move(info));
        }
        tellBadRows(into.problems, "quality", bad);
    });
}

RunFactsRead readRunFacts(const std::filesystem::path& file) {
    RunFactsRead facts;
    readDevice(file, nullptr, [&](SQLite::Database& database) {
        readCollectors(database, facts);
        readFigures(database, facts);
        readDevices(database, facts);
    });
    return facts;
}

}  // namespace fluxscope
