// Keeps the tables lane and overview of a run up to date: adds intervals, writes what has changed.
#pragma once

#include "profiler/store/detail/interning.h"
#include "profiler/store/detail/row_batch.h"
#include "profiler/store/overview.h"

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

namespace fluxscope {

class OverviewWriter {
public:
    explicit OverviewWriter(SQLite::Database& database);

    void beginRun(std::int64_t run, std::int64_t beginNs, int finestLevel);
    int finestLevel() const { return finestLevel_; }

    // An interval of the host's, or of a device's stream.
    void addOnHost(const PlaceParts& place, std::int64_t beginNs, std::int64_t endNs);
    void addOnDevice(const PlaceParts& place, std::int32_t device, std::int32_t stream, std::int64_t beginNs,
                     std::int64_t endNs);

    // Writes what has changed, and says how many rows. Forgets what is older than a few seconds of the run's time.
    std::size_t flush();

    std::int64_t tooLate() const { return tooLate_; }  // intervals that came after that
    void startOver();                                  // the run's buckets are taken away and added up anew

private:
    using LaneKey = std::array<std::int32_t, 5>;  // kind, phase, layer, device, stream
    struct Lane {
        explicit Lane(int finestLevel) : sums(finestLevel) {}

        std::int64_t id = 0;
        OverviewLane sums;
    };

    Lane& lane(const LaneKey& key);
    void add(Lane& lane, std::int64_t begin, std::int64_t end, const PlaceParts& place);
    void addToPlace(const PlaceParts& place, std::int64_t begin, std::int64_t end);

    RawStatement addLane_, forgetBuckets_, forgetLanes_;
    RowBatch put_;
    std::map<LaneKey, Lane> lanes_;
    std::map<LaneKey, Lane>::iterator recent_[4];  // by kind
    bool isRecent_[4]{};
    std::int64_t run_ = 0;
    std::int64_t runBegin_ = 0;
    int finestLevel_ = 0;
    std::int64_t newest_ = 0;
    std::int64_t lastLane_ = 0;
    std::int64_t tooLate_ = 0;
};

}  // namespace fluxscope
