// The pyramid of a time line, as resources/schema.sql defines it (tables lane and overview): exact sums over intervals, whatever
// the order in which they come.
#pragma once

#include "engine/contract/observer.h"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace fluxscope {

inline constexpr int kOverviewLevels = 10;
inline constexpr int kOps = static_cast<int>(Op::Sample) + 1;

constexpr int overviewShift(int level) { return 18 + 2 * level; }

// Where a run's overview begins. On a CPU the levels below would have more rows than there are scopes, which tell the same: of the
// writer's time for a decoded token they took two fifths (docs/performance.md). A file may have them all the same.
inline constexpr int kFinestLevelOnCpu = 2;
constexpr int finestLevelOf(bool isOnCpu) { return isOnCpu ? kFinestLevelOnCpu : 0; }

// What is added up in a bucket. The last of the operations is nobody's.
struct OverviewSum {
    std::array<std::int64_t, kOps + 1> busy{};
    std::int64_t events = 0;

    std::int64_t total() const;
    std::optional<Op> leadingOp() const;
    OverviewSum& operator+=(const OverviewSum& other);
};

// The buckets of one lane, from its finest level up. Whoever keeps rows takes those that have changed; what is old enough may be forgotten.
class OverviewLane {
public:
    explicit OverviewLane(int finestLevel) : finest_(finestLevel) {}

    // Relative to the run's beginning; end >= begin. False: it reaches into what has been forgotten, and is not counted.
    bool add(std::int64_t begin, std::int64_t end, std::optional<Op> op);

    // All buckets that have changed since the last time, by level.
    template <class Visit>
    void takeChanged(Visit visit) {  // (int level, std::int64_t bucket, const OverviewSum&)
        for (int level = finest_; level < kOverviewLevels; ++level) {
            Level& here = levels_[static_cast<std::size_t>(level)];
            std::size_t index = here.buckets.size();
            for (const std::int64_t at : here.changed) {
                // Nearly always the next one: a search would go through memory that nobody has looked at for a while.
                const bool isNext = index + 1 < here.buckets.size() && here.buckets[index + 1].first == at;
                index = isNext ? index + 1 : here.indexOf(at);
                Bucket& bucket = here.buckets[index].second;
                if (level + 1 < kOverviewLevels) addTo(level + 1, at >> 2) += bucket.fresh;
                bucket.fresh = {};
                bucket.isChanged = false;
                visit(level, at, bucket.sum);
            }
            here.changed.clear();
        }
        last_ = nullptr;
    }

    // Of each level the buckets that end before this moment.
    void forgetBefore(std::int64_t moment);

private:
    struct Bucket {
        OverviewSum sum;
        OverviewSum fresh;  // not yet in the level above
        bool isChanged = false;

        Bucket& operator+=(const OverviewSum& more) {
            sum += more;
            fresh += more;
            return *this;
        }
        void add(int op, std::int64_t busy, std::int64_t events) {
            sum.busy[static_cast<std::size_t>(op)] += busy;
            sum.events += events;
            fresh.busy[static_cast<std::size_t>(op)] += busy;
            fresh.events += events;
        }
    };
    // Sorted by number; those before `first` are forgotten. Time goes on, so nearly all come at the end.
    struct Level {
        std::vector<std::pair<std::int64_t, Bucket>> buckets;
        std::size_t first = 0;
        std::vector<std::int64_t> changed;

        std::size_t indexOf(std::int64_t number) const;  // where it is, or would be
        Bucket& at(std::int64_t number);
        void forgetBefore(std::int64_t number);
    };

    Bucket& addTo(int level, std::int64_t at);  // notes that it changes

    int finest_;
    std::array<Level, kOverviewLevels> levels_;
    Bucket* last_ = nullptr;  // of the finest level, changed already
    std::int64_t lastAt_ = 0;
    std::int64_t forgotten_ = INT64_MIN;
};

}  // namespace fluxscope
