// Analysis: pure functions from snapshots of a capture to the tables that figures and reports show.
//
// This file: where a number comes from, in the words that stand beside it. A number without an origin is not shown.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace fluxscope {

// "host-timer" -> "measured, host timer"; "host-enqueue" says that the device was not timed. A source that is not ours is quoted as it stands in the file.
std::string timeOrigin(std::string_view timeSource);

// False for a layer of a replayed step that nobody timed: its time is not 0, it is not known.
bool isTimed(std::string_view timeSource);

// The host's clock around work that a device did later: good for order and for overhead, never a cost of the work.
bool isEnqueueTime(std::string_view timeSource);

// "analytic" -> "modelled, kernels/cost v1"; "hw_range" -> "measured, range counters";
// "hw_pm" -> "sampled, PM counters joined by time". A version of 0 is not known.
std::string bytesOrigin(std::string_view bytesSource, std::int32_t costVersion);

// A number a reader may quote, or the sentence that says why there is none.
struct Quantity {
    std::optional<double> value;
    std::string origin;  // with a value: where it comes from; without: why it is missing

    static Quantity of(double value, std::string origin);
    static Quantity missing(std::string why);
    friend bool operator==(const Quantity&, const Quantity&) = default;
};

// The origins of the parts of one total. Parts of different origin are never added up.
class Origins {
public:
    void add(std::string origin) { names_.insert(std::move(origin)); }
    bool one() const { return names_.size() == 1; }
    bool none() const { return names_.empty(); }
    // "measured, host timer", or "a; b" when there are several.
    std::string text() const;

private:
    std::set<std::string> names_;
};

}  // namespace fluxscope
