#include "profiler/capture/run_facts.h"

#include "profiler/capture/detail/tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace fluxscope {
namespace {

constexpr std::array<std::string_view, 3> kStates{"running", "stopped", "missing"};

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

void readCollectors(SQLite::Database& database, RunFactsRead& into) {
    readTable(database, "collector", into.problems, [&] {
        std::int64_t bad = 0;
        RowReader row(
            database,
            "SELECT process, run, name, state, reason, remedy FROM collector ORDER BY process, run, name");
        while (row.next()) {
            CollectorInfo info{row.key<ProcessIndex>(0),
                               row.integer(1, -1),
                               row.string(2),
                               row.string(3),
                               row.string(4),
                               row.string(5)};
            if (row.isBad() || std::ranges::find(kStates, info.state) == kStates.end())
                ++bad;
            else
                into.collectors.push_back(std::move(info));
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
