// Rows of what a device did, and the sums that are kept up with them.
#pragma once

#include "profiler/store/capture_writer.h"
#include "profiler/store/detail/device_costs.h"
#include "profiler/store/detail/interning.h"
#include "profiler/store/detail/overview_writer.h"
#include "profiler/store/detail/row_batch.h"

#include <SQLiteCpp/Database.h>

#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

namespace fluxscope {

class DeviceWriter {
public:
    DeviceWriter(SQLite::Database& database, std::int64_t process);

    void beginRun(std::int64_t run, std::int64_t beginNs, bool isOnCpu);
    void setBudget(std::optional<std::int64_t> rows);
    void setTimeSource(const std::string& source) { costs_.setTimeSource(source); }

    void add(std::span<const KernelRecord> kernels);
    void add(std::span<const CopyRecord> copies);
    void add(std::span<const FillRecord> fills);
    void add(std::span<const ApiRecord> calls);
    void add(std::span<const SyncRecord> syncs);
    void add(std::span<const OverheadRecord> overheads);
    void add(std::span<const GraphNodeRecord> nodes);
    void add(std::span<const SampleRecord> samples);
    void add(std::span<const TrafficRecord> traffic);
    void add(const DeviceRecord& device);
    void add(std::span<const LateAttribution> late);

    // An operation of a run on a CPU goes into the overview. False: its row is over the budget.
    bool takeScope(const ScopeRecord& scope);

    void flush();  // before each commit: sums, blocks, figures
    // The overview of a run on a CPU lags behind these by up to a second.
    bool isOverviewBehind() const;
    void flushOverview();
    void endRun();  // makes good what came too late

    std::int64_t rows() const { return rows_; }  // since the beginning

private:
    enum class Kept : std::uint8_t { Kernels, Copies, Fills, Calls, Syncs, Overheads, Samples, Scopes };
    using StepKey =
        std::tuple<std::int32_t, std::int32_t, std::int32_t, std::int32_t>;  // batch, turn, phase, step

    struct Figures {
        std::int64_t kernels = 0;
        std::int64_t kernelNs = 0;
        std::int64_t unattributed = 0;
        std::int64_t unattributedNs = 0;
        std::int64_t bad = 0;
        friend bool operator==(const Figures&, const Figures&) = default;
    };
    struct Block {
        std::int64_t first = 0;
        std::int64_t last = 0;
        std::optional<std::int64_t> begin;
        std::optional<std::int64_t> end;
    };
    struct Placed {
        PlaceParts parts;
        std::int64_t place = 0;
        std::int32_t step = 0;
        std::int64_t attribution = 0;
    };
    // Looked up without a copy of a metric's name and source. Of views on both sides: clang 14 cannot compare tuples of other things.
    struct ByText {
        using is_transparent = void;
        using Metric = std::tuple<std::int32_t, std::string_view, std::string_view>;
        bool operator()(const Metric& a, const Metric& b) const { return a < b; }
    };
    struct LeftOut {
        std::array<std::int64_t, 8> rows{};  // of each kind
        std::int64_t since = 0;

        std::int64_t all() const { return std::accumulate(rows.begin(), rows.end(), std::int64_t{0}); }
    };

    Placed placeOf(const Attributed& scope);
    std::int64_t attribution(Attribution by);
    std::int64_t durationOf(Nanoseconds begin, Nanoseconds end);
    bool isWithin(Kept kind, Nanoseconds at);
    void addKernelSums(const PlaceParts& parts, std::int32_t step, std::int32_t device, std::int32_t stream,
                       std::int64_t begin, std::int64_t duration);
    void flushBlock();
    void writeFigures();
    void writeLeftOut();
    void sumUpAgain();

    SQLite::Database& database_;
    Interning interning_;
    OverviewWriter overview_;
    DeviceCosts costs_;
    RowBatch kernel_;
    RawStatement copy_, fill_, api_, sync_, overhead_, node_, metric_, sample_, traffic_, device_;
    RawStatement block_, quality_, noted_, budget_, overBudget_, settled_, unsettled_, revised_;
    std::map<std::tuple<std::int32_t, std::string, std::string>, std::int64_t, ByText> metrics_;
    std::array<std::int64_t, 4> attributions_{};

    std::int64_t process_;
    std::int64_t run_ = 0;
    bool isOnCpu_ = false;
    std::optional<std::int64_t> limit_;
    std::array<std::int64_t, 8> kept_{};
    LeftOut leftOut_;
    std::array<std::int64_t, 8> writtenLeftOut_{};
    Figures figures_, writtenFigures_;
    std::int64_t lastKernel_ = 0;
    std::int64_t lastMetric_ = 0;
    std::optional<Block> openBlock_;
    std::optional<ScopeKey> recentKey_;  // kernels of one scope come one after the other
    Placed recent_;
    std::optional<StepKey> newest_;        // that the device has told of
    std::optional<StepKey> newestBefore_;  // at the flush before
    std::optional<StepKey> settledAt_;
    Nanoseconds newestScope_{};   // in the overview's sums, of a run on a CPU
    Nanoseconds overviewUpTo_{};  // in its rows
    std::int64_t rows_ = 0;
};

}  // namespace fluxscope
