// Level 1 of Routing: what each layer decided for each prompt.
//
// A column is one sequence of one run. Columns are grouped by prompt kind, kinds in alphabetical order; within a kind
// prompts keep the order of the experiment, and the runs of one prompt stand side by side in the order asked for.
// A cell is the decision of the prefill (lowest turn and step); what a probe changed later does not replace it.
#pragma once

#include "profiler/capture/snapshot.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fluxscope {

// A cell by key, not by position: it outlives the snapshot it was read from.
struct RoutingCellKey {
    RunIndex run;
    SequenceIndex sequence;
    LayerIndex layer;
    friend bool operator==(const RoutingCellKey&, const RoutingCellKey&) = default;
};

struct RoutingCell {
    bool recorded = false;
    DecidedBy by = DecidedBy::Policy;
    std::int32_t heads = 0;  // decisions behind this cell: 1 when the layer decides for all its heads
    std::int32_t fullHeads = 0;
    std::optional<double> fullProbability;  // absent: the layer has no router
    std::optional<double> threshold;        // absent: the router did not decide
    std::optional<double> margin;           // in logits; > 0 is full
    std::optional<Nanoseconds> prefill;     // of the whole batch; absent: not recorded yet

    double fullShare() const { return heads > 0 ? static_cast<double>(fullHeads) / heads : 0; }
    bool full() const { return recorded && 2 * fullHeads > heads; }
};

// How much of something ran in full attention. Cells without a decision do not count.
struct FullShare {
    double full = 0;
    std::int64_t cells = 0;

    void add(const RoutingCell& cell);
    std::optional<double> value() const;
};

struct RoutingColumn {
    RunIndex run;
    SequenceIndex sequence;
    std::string promptId;
    std::string kind;
    std::string policy;
    std::int64_t promptTokens = 0;
    std::int32_t batchSequences = 1;  // that share the times of the cells
    FullShare share;
};

struct RoutingGroup {
    std::string kind;
    std::int32_t firstColumn = 0;
    std::int32_t columns = 0;
    FullShare share;
};

struct RoutingTable {
    std::int32_t layers = 0;
    std::vector<RoutingColumn> columns;
    std::vector<RoutingGroup> groups;
    std::vector<RoutingCell> cells;  // layer-major: [layer * columns + column]
    std::vector<FullShare> layerShares;
    FullShare share;
    std::string timeOrigin;           // of the cells' prefill times
    std::int64_t omittedColumns = 0;  // beyond kMostCells; a figure says so
    bool running = false;             // one of the runs has no end yet and its file is being written

    const RoutingCell& at(std::int32_t layer, std::int32_t column) const {
        return cells[static_cast<std::size_t>(layer) * columns.size() + static_cast<std::size_t>(column)];
    }
    std::optional<std::int32_t> columnOf(RunIndex run, SequenceIndex sequence) const;
    RoutingCellKey keyOf(std::int32_t layer, std::int32_t column) const;
};

// Runs that the snapshot does not have are left out.
RoutingTable routingTable(const Snapshot& snapshot, std::span<const RunIndex> runs);
RoutingTable routingTable(const Snapshot& snapshot);  // of all runs

// The share of full attention by layer (rows) and kind (the table's groups): [layer * groups + group].
std::vector<FullShare> sharesByKind(const RoutingTable& table);

// Layers of a model that somebody may have edited into a file: never a reason to allocate without bounds.
inline constexpr std::int32_t kMostLayers = 4096;
inline constexpr std::int64_t kMostCells = std::int64_t{1} << 21;  // 128 layers of 16,384 prompts

}  // namespace fluxscope
