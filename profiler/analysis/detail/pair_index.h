// A number for each pair of numbers that occurs, found by one look: what is asked once a kernel, of which there are millions. Where
// the pairs that could be are too many for a table (a file may say anything), a hash takes its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

namespace fluxscope {

class PairIndex {
public:
    static constexpr std::uint32_t kNew = std::numeric_limits<std::uint32_t>::max();

    // Of firsts and seconds below these.
    PairIndex(std::size_t firsts, std::size_t seconds) : seconds_(seconds) {
        constexpr std::size_t kMostCells = std::size_t{1} << 24;  // 64 MB
        if (seconds > 0 && firsts <= kMostCells / seconds) table_.assign(firsts * seconds, kNew);
    }

    // kNew until somebody sets it. The reference holds until the next call.
    std::uint32_t& of(std::size_t first, std::size_t second) {
        const std::uint64_t at = static_cast<std::uint64_t>(first) * seconds_ + second;
        if (!table_.empty()) return table_[at];
        return sparse_.try_emplace(at, kNew).first->second;
    }

private:
    std::uint64_t seconds_;
    std::vector<std::uint32_t> table_;
    std::unordered_map<std::uint64_t, std::uint32_t> sparse_;
};

}  // namespace fluxscope
