// A table that only grows, as snapshots share it: sealed chunks that are never copied again, and an open rest.
#pragma once

#include "profiler/capture/snapshot.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace fluxscope {

template <class Row>
class GrowingTable {
public:
    static constexpr std::size_t kChunkRows =
        16'384;  // 2 MB of the widest rows is the most a snapshot copies

    void append(Row row) {
        open_.push_back(std::move(row));
        openCopy_.reset();
        if (open_.size() < kChunkRows) return;
        sealed_.push_back(std::make_shared<const std::vector<Row>>(std::move(open_)));
        open_.clear();
    }

    // Rows that may still change; they come last.
    void setTail(std::vector<Row> tail) {
        tail_ = std::move(tail);
        openCopy_.reset();
    }
    const std::vector<Row>& tail() const { return tail_; }

    Chunks<Row> share() {
        std::vector<typename Chunks<Row>::Chunk> chunks = sealed_;
        if (!open_.empty() || !tail_.empty()) {
            if (!openCopy_) {
                std::vector<Row> rows;
                rows.reserve(open_.size() + tail_.size());
                rows.insert(rows.end(), open_.begin(), open_.end());
                rows.insert(rows.end(), tail_.begin(), tail_.end());
                openCopy_ = std::make_shared<const std::vector<Row>>(std::move(rows));
            }
            chunks.push_back(openCopy_);
        }
        return Chunks<Row>(std::move(chunks));
    }

private:
    std::vector<typename Chunks<Row>::Chunk> sealed_;
    std::vector<Row> open_;
    std::vector<Row> tail_;
    typename Chunks<Row>::Chunk openCopy_;
};

}  // namespace fluxscope
