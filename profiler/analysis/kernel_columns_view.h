// Kernels as columns: what the analyses of a device's work read. The columns belong to whoever read them from a capture; all
// but `launchEnd` have the same length, and rows come in any order.
#pragma once

#include "engine/contract/observer.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fluxscope {

// A scope's key without its step. No phase: nobody's, as far as could be learnt.
struct KernelPlace {
    BatchIndex batch;
    TurnIndex turn;
    std::optional<Phase> phase;
    std::optional<LayerIndex> layer;
    std::optional<Op> op;

    friend bool operator==(const KernelPlace&, const KernelPlace&) = default;
};

struct KernelColumnsView {
    static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();

    std::span<const std::int64_t> begin;     // ns
    std::span<const std::int64_t> duration;  // ns; below 0: a bad time stamp
    std::span<const std::int32_t> place;     // into `places`; outside of them: unattributed
    std::span<const std::int32_t> step;
    std::span<const std::int32_t> stream;  // any number that tells queues of devices apart
    std::span<const std::int32_t> name;    // into `names`
    std::span<const std::int64_t>
        launchEnd;  // when the API call that launched it returned, kUnknown, or the whole column absent
    std::span<const KernelPlace> places;
    std::span<const std::string> names;
    std::span<const std::string> queues;  // what the numbers in `stream` stand for; empty: streams themselves
    std::string timeSource = "cupti";

    // What all columns have. A reader that is given less of one is given less of all.
    std::size_t size() const;
    bool bad(std::size_t row) const;
    std::int64_t end(std::size_t row) const;            // saturates
    const KernelPlace* placeOf(std::size_t row) const;  // null: unattributed
    std::string nameOf(std::size_t row) const;
    std::string queueName(std::int32_t number) const;  // "stream 7"
    std::optional<std::int64_t> launchEndOf(std::size_t row) const;
};

// Rows with a good interval, by when they began.
std::vector<std::uint32_t> inOrderOfTime(const KernelColumnsView& kernels);

}  // namespace fluxscope
