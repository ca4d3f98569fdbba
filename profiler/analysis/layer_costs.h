// Level 2 of Routing: what each layer of one prompt cost in each step, beside what its router decided.
//
// Step 0 is the prefill and lies on another scale than the decode steps after it. Costs are those of the batch that the
// sequence went through the layers with; KV bytes and decisions are the sequence's own.
#pragma once

#include "profiler/analysis/routing_table.h"

#include <array>
#include <string>
#include <vector>

namespace fluxscope {

enum class CostMeasure : std::uint8_t { Time, Bytes, Flops, KvBytes };

// Layers (or one row of what lies outside them) by steps. Negative: nothing recorded.
class CostGrid {
public:
    static constexpr std::int64_t kMissing = -1;

    CostGrid() = default;
    CostGrid(std::int32_t rows, std::int32_t steps)
        : steps_(steps),
          values_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(steps), kMissing) {}

    std::int32_t steps() const { return steps_; }
    std::int64_t at(std::int32_t row, std::int32_t step) const { return values_[index(row, step)]; }
    void set(std::int32_t row, std::int32_t step, std::int64_t value) { values_[index(row, step)] = value; }

private:
    std::size_t index(std::int32_t row, std::int32_t step) const {
        return static_cast<std::size_t>(row) * static_cast<std::size_t>(steps_) +
               static_cast<std::size_t>(step);
    }

    std::int32_t steps_ = 0;
    std::vector<std::int64_t> values_;
};

// Where a colour scale from 0 ends: the largest value, or the 98th percentile when that is less than half of it.
struct ScaleEnd {
    double value = 0;
    bool exceeded = false;  // there are larger values
};
ScaleEnd scaleEnd(std::vector<double> values);

struct LayerCosts {
    RunIndex run;
    SequenceIndex sequence;
    std::string promptId;
    std::string kind;
    std::string policy;
    std::int64_t promptTokens = 0;
    std::int32_t batchSequences = 1;
    std::int32_t layers = 0;
    std::int32_t steps = 0;            // with the prefill
    std::int64_t omittedSteps = 0;     // beyond kMostCostCells; a figure says so
    std::vector<RoutingCell> routing;  // by layer

    CostGrid time;   // ns
    CostGrid bytes;  // read and written
    CostGrid flops;
    CostGrid kvBytes;      // kept by the layer after the step
    CostGrid outsideTime;  // one row each: embedding, head, sampling
    CostGrid outsideBytes;
    CostGrid outsideFlops;

    std::array<ScaleEnd, 4> prefillEnd;  // by CostMeasure, of layers only
    std::array<ScaleEnd, 4> decodeEnd;

    std::string timeOrigin;
    std::string bytesOrigin;

    const CostGrid& grid(CostMeasure measure) const;
    // Null for KV bytes: only layers hold KV.
    const CostGrid* outside(CostMeasure measure) const;
    std::string origin(CostMeasure measure) const;
    bool empty() const { return layers == 0 || steps == 0; }
};

// Empty when the snapshot has no such sequence.
LayerCosts layerCosts(const Snapshot& snapshot, RunIndex run, SequenceIndex sequence, TurnIndex turn = {});

inline constexpr std::int64_t kMostCostCells = std::int64_t{1} << 22;  // 128 layers of 32,768 steps

}  // namespace fluxscope
