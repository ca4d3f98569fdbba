#include "profiler/capture/kernel_columns.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/detail/row_reader.h"
#include "profiler/capture/detail/tables.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <system_error>

namespace fluxscope {
namespace {

constexpr std::int64_t kMostRows = std::int64_t{1}
                                   << 40;  // of anything; a file that says more is not believed
constexpr std::int32_t kUnknown = Positions::kUnknown;

class Reading {
public:
    Reading(SQLite::Database& database, RunIndex run, const std::atomic<bool>* stop)
        : database_(database), run_(run), stop_(stop) {}

    KernelColumns read(std::optional<TimeRange> range) {
        table("name", [this] { names(); });
        table("place", [this] { places(); });
        table("launch", [this] { launches(); });
        std::vector<std::pair<std::int64_t, std::int64_t>> blocks;
        table("kernel_block", [&] { blocks = blocksOf(range); });
        reserve(blocks);
        // Each block on its own: a page that cannot be read hides those of one block.
        for (const auto& [first, last] : blocks) {
            if (stop_ != nullptr && stop_->load()) break;
            table("kernel", [&, from = first, to = last] { kernels(from, to); });
        }
        tellBadRows(columns_.problems, "kernel", bad_);
        return std::move(columns_);
    }

private:
    void table(const char* name, const std::function<void()>& read) {
        readTable(database_, name, columns_.problems, read);
    }

    // As many as the blocks say, if that is not more than a file of this size can have: growing would cost half as much again.
    void reserve(const std::vector<std::pair<std::int64_t, std::int64_t>>& blocks) {
        constexpr std::int64_t kLeastBytes = 20;  // of a row
        std::int64_t rows = 0;
        for (const auto& [first, last] : blocks) rows += last - first + 1;
        std::error_code unknown;
        const auto bytes = static_cast<std::int64_t>(
            std::filesystem::file_size(sqlite3_db_filename(database_.getHandle(), "main"), unknown));
        if (unknown) return;
        const auto most = static_cast<std::size_t>(std::clamp<std::int64_t>(rows, 0, bytes / kLeastBytes));
        KernelColumns& c = columns_;
        for (auto* wide : {&c.row, &c.begin_ns, &c.duration_ns, &c.correlation, &c.graphNode})
            wide->reserve(most);
        for (auto* narrow : {&c.place, &c.step, &c.context, &c.stream, &c.name, &c.launch})
            narrow->reserve(most);
        c.device.reserve(most);
        c.attribution.reserve(most);
    }

    void names() {
        RowReader row(database_,
                      "SELECT n.name, coalesce(d.value, n.value), coalesce(s.value, n.value), n.value FROM "
                      "name AS n LEFT "
                      "JOIN name AS d ON d.name = n.demangled LEFT JOIN name AS s ON s.name = n.short");
        while (row.next()) {
            nameAt_.put(row.integer(0), static_cast<std::int32_t>(columns_.names.size()));
            columns_.names.push_back({row.string(1), row.string(2)});
            for (const Attribution by :
                 {Attribution::External, Attribution::GraphNode, Attribution::Time, Attribution::None}) {
                if (row.text(3) == nameOf(by))
                    attributionAt_.put(row.integer(0), static_cast<std::int32_t>(by));
            }
        }
    }

    void places() {
        RowReader row(database_,
                      "SELECT place, batch, turn, phase, layer, chunk, op FROM place WHERE run = ?",
                      {run_.value()});
        while (row.next()) {
            const std::optional<ScopeKey> key = placeIn(row, 1);
            if (row.isBad()) continue;
            placeAt_.put(row.integer(0), static_cast<std::int32_t>(columns_.places.size()));
            columns_.places.push_back(key);
        }
    }

    void launches() {
        RowReader row(database_,
                      "SELECT launch, grid_x, grid_y, grid_z, block_x, block_y, block_z, cluster_x, "
                      "cluster_y, cluster_z, "
                      "registers_per_thread, static_shared_bytes, dynamic_shared_bytes FROM launch");
        const auto size = [&row](int column) {
            return static_cast<std::int32_t>(
                row.integer(column, 0, std::numeric_limits<std::int32_t>::max()));
        };
        while (row.next()) {
            const LaunchShape shape{.grid = {size(1), size(2), size(3)},
                                    .block = {size(4), size(5), size(6)},
                                    .cluster = {size(7), size(8), size(9)},
                                    .registersPerThread = size(10),
                                    .staticSharedBytes = size(11),
                                    .dynamicSharedBytes = size(12)};
            if (row.isBad()) continue;
            launchAt_.put(row.integer(0), static_cast<std::int32_t>(columns_.launches.size()));
            columns_.launches.push_back(shape);
        }
    }

    std::vector<std::pair<std::int64_t, std::int64_t>> blocksOf(std::optional<TimeRange> range) {
        std::vector<std::pair<std::int64_t, std::int64_t>> blocks;
        const std::int64_t from = range ? range->first.count() : std::numeric_limits<std::int64_t>::min();
        const std::int64_t to = range ? range->second.count() : std::numeric_limits<std::int64_t>::max();
        RowReader row(database_,
                      "SELECT first_kernel, last_kernel, begin_ns, end_ns FROM kernel_block WHERE run = ? "
                      "ORDER BY block",
                      {run_.value()});
        std::int64_t behind = 0;
        while (row.next()) {
            const std::int64_t first = row.integer(0, behind + 1, kMostRows);
            const std::int64_t last = row.integer(1, first, kMostRows);
            if (row.isBad()) {
                columns_.problems.emplace_back(
                    "table kernel_block: a block does not follow the one before and is left out");
                continue;
            }
            behind = last;
            if (range && (row.isNull(2) || row.integer(2) >= to || row.integer(3) <= from)) continue;
            blocks.emplace_back(first, last);
        }
        return blocks;
    }

    void kernels(std::int64_t first, std::int64_t last) {
        RowReader row(database_,
                      "SELECT kernel, place, step, attribution, begin_ns, duration_ns, device, context, "
                      "stream, correlation, "
                      "graph_node, name, launch FROM kernel WHERE kernel BETWEEN ? AND ? ORDER BY kernel",
                      {first, last});
        constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
        KernelColumns& c = columns_;
        for (std::int64_t before = first - 1; row.next();) {
            const std::int64_t id = row.integer(0);
            if (id <= before) throw SQLite::Exception("its rows are out of order", SQLITE_CORRUPT);
            before = id;
            const std::int32_t place = placeAt_.of(row.integer(1));
            const std::int64_t step = row.integer(2, -1, kMost);
            const std::int32_t attribution = attributionAt_.of(row.integer(3));
            const std::int64_t begin = row.integer(4);
            const std::int64_t duration = row.integer(5, -1, std::numeric_limits<std::int64_t>::max() / 2);
            const std::int64_t device = row.integer(6, 0, std::numeric_limits<std::int16_t>::max());
            const std::int64_t context = row.integer(7, 0, kMost);
            const std::int64_t stream = row.integer(8, 0, kMost);
            const std::int32_t name = nameAt_.of(row.integer(11));
            const std::int32_t launch = launchAt_.of(row.integer(12));
            if (row.isBad() || std::min({place, attribution, name, launch}) == kUnknown ||
                (duration >= 0 && (begin < 0 || begin > std::numeric_limits<std::int64_t>::max() / 2))) {
                ++bad_;
                continue;
            }
            c.row.push_back(id);
            c.begin_ns.push_back(begin);
            c.duration_ns.push_back(duration);
            c.correlation.push_back(row.integer(9));
            c.graphNode.push_back(row.integer(10));
            c.place.push_back(place);
            c.step.push_back(static_cast<std::int32_t>(step));
            c.context.push_back(static_cast<std::int32_t>(context));
            c.stream.push_back(static_cast<std::int32_t>(stream));
            c.name.push_back(name);
            c.launch.push_back(launch);
            c.device.push_back(static_cast<std::int16_t>(device));
            c.attribution.push_back(static_cast<Attribution>(attribution));
        }
    }

    SQLite::Database& database_;
    RunIndex run_;
    const std::atomic<bool>* stop_;
    Positions nameAt_, placeAt_, launchAt_, attributionAt_;
    KernelColumns columns_;
    std::int64_t bad_ = 0;
};

}  // namespace

KernelColumns readKernels(const std::filesystem::path& file, RunIndex run, std::optional<TimeRange> range,
                          const std::atomic<bool>* stop) {
    try {
        SQLite::Database database = openCapture(file, stop);
        database.exec("BEGIN");  // all tables as of one moment
        return Reading(database, run, stop).read(range);
    } catch (const SQLite::Exception& e) {
        if (isBusy(e)) throw busyError(file);
        throw readingError(file, e);
    }
}

}  // namespace fluxscope
