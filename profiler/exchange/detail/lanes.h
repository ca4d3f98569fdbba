// Slices on one track of a trace must nest. What does not is put on another lane beside it.
#pragma once

#include "engine/contract/index.h"

#include <cstddef>
#include <vector>

namespace fluxscope {

enum class Nesting : bool { No, Yes };  // may a slice lie inside another one on the same lane?

// Takes slices in order of their beginning (of equal ones the longer first) and says on which lane each one fits. Kernels of one
// stream overlap under programmatic dependent launch; scopes overlap only in a damaged file.
class Lanes {
public:
    explicit Lanes(Nesting nesting) : nesting_(nesting) {}

    std::size_t place(Nanoseconds begin, Nanoseconds end) {
        for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
            if (fits(lanes_[lane], begin, end)) {
                lanes_[lane].push_back(end);
                return lane;
            }
        }
        // More than a person can look at: the last lane takes what is left, and its slices may then not nest.
        if (lanes_.size() == kMost) {
            lanes_.back().assign(1, end);
            return kMost - 1;
        }
        lanes_.push_back({end});
        return lanes_.size() - 1;
    }

    static constexpr std::size_t kMost = 64;

private:
    using Open = std::vector<Nanoseconds>;  // the ends of what is still open, the innermost last

    bool fits(Open& open, Nanoseconds begin, Nanoseconds end) const {
        while (!open.empty() && open.back() <= begin) open.pop_back();
        if (open.empty()) return true;
        return nesting_ == Nesting::Yes && open.back() >= end;
    }

    Nesting nesting_;
    std::vector<Open> lanes_;
};

}  // namespace fluxscope
