// What each layer cost in each step, from the kernels that a device tells of: the union of their intervals, whatever the order in
// which they come.
#pragma once

#include "profiler/store/detail/interning.h"
#include "profiler/store/detail/row_batch.h"

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fluxscope {

// Intervals as disjoint ones, and their length together.
class IntervalUnion {
public:
    void add(std::int64_t begin, std::int64_t end);
    std::int64_t length() const { return length_; }
    std::int64_t begin() const { return parts_.empty() ? 0 : parts_.front().first; }

private:
    std::vector<std::pair<std::int64_t, std::int64_t>> parts_;  // in order, with gaps between them
    std::int64_t length_ = 0;
};

class DeviceCosts {
public:
    explicit DeviceCosts(SQLite::Database& database);

    void beginRun(std::int64_t run);
    void setTimeSource(std::string source) { timeSource_ = std::move(source); }

    void add(const PlaceParts& place, std::int32_t step, std::int64_t beginNs, std::int64_t endNs);
    // Writes what has changed, and says how many rows.
    std::size_t flush();

    // Kernels of steps that have been forgotten, because thousands of layers came after them. Not counted.
    std::int64_t tooLate() const { return tooLate_; }
    void startOver();

private:
    using Key = std::array<std::int32_t, 5>;  // batch, turn, phase, step, layer
    struct Cost {
        IntervalUnion all, router, attention;
        std::int64_t sum = 0;
        std::int64_t kernels = 0;
        bool isChanged = false;
    };

    Cost* costOf(const Key& key);

    RowBatch put_;
    RawStatement clear_;
    std::unordered_map<Key, Cost, HashOf<5>> costs_;
    std::deque<Key> order_;
    std::unordered_map<Key, std::int32_t, HashOf<5>>
        forgotten_;                               // by step's key without step and layer: up to which step
    std::vector<std::pair<Key, Cost*>> changed_;  // an entry of costs_ stays where it is
    Key recentKey_{};
    Cost* recent_ = nullptr;
    std::string timeSource_ = "cupti";
    std::int64_t run_ = 0;
    std::int64_t tooLate_ = 0;
};

}  // namespace fluxscope
