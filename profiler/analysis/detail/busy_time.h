// The time in which kernels ran, cut where anything begins or ends, and whose they were in each piece.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace fluxscope {

inline constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

class BusyTime {
public:
    // owner: a row for each kernel; kNobody is one of them. Kernels with a bad interval count nowhere.
    BusyTime(const KernelColumnsView& kernels, std::span<const std::uint32_t> owner);

    std::size_t size() const { return begin_.size(); }
    std::int64_t begin(std::size_t piece) const { return begin_[piece]; }
    std::int64_t end(std::size_t piece) const { return end_[piece]; }
    double overlap(std::size_t piece, std::int64_t from, std::int64_t to) const {
        const std::int64_t a = from > begin_[piece] ? from : begin_[piece];
        const std::int64_t b = to < end_[piece] ? to : end_[piece];
        return b > a ? static_cast<double>(b - a) : 0;
    }
    // Each owner once.
    std::span<const std::uint32_t> running(std::size_t piece) const {
        return std::span(owners_).subspan(first_[piece], first_[piece + 1] - first_[piece]);
    }

private:
    void add(std::int64_t from, std::int64_t to, std::span<const std::uint32_t> owners);

    std::vector<std::int64_t> begin_;  // rises; pieces do not overlap
    std::vector<std::int64_t> end_;
    std::vector<std::size_t> first_{0};  // into owners_, one more than pieces
    std::vector<std::uint32_t> owners_;
};

}  // namespace fluxscope
