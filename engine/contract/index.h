// Indices and units as types: a layer is not a step, and neither is a token. Time is a 64-bit count of nanoseconds.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace fluxscope {

template <class Tag, class Rep = std::int32_t>
class Index {
public:
    using Value = Rep;

    constexpr Index() = default;
    constexpr explicit Index(Rep value) : value_(value) {}
    // From a size or a loop counter, whose type is wider than any index needs to be.
    template <class Integer>
    static constexpr Index of(Integer value) {
        return Index(static_cast<Rep>(value));
    }

    constexpr Rep value() const { return value_; }
    constexpr Index& operator++() {
        ++value_;
        return *this;
    }
    friend constexpr auto operator<=>(const Index&, const Index&) = default;

private:
    Rep value_ = 0;
};

using ProcessIndex = Index<struct ProcessTag>;
using RunIndex = Index<struct RunTag>;
using BatchIndex = Index<struct BatchTag>;  // within a run: the sequences that go through the layers together
using SequenceIndex = Index<struct SequenceTag>;  // within a run: one prompt and what was generated from it
using TurnIndex = Index<struct TurnTag>;
using StepIndex = Index<struct StepTag>;  // prefill is step 0, the n-th decode step is n
using LayerIndex = Index<struct LayerTag>;
using ChunkIndex = Index<struct ChunkTag>;
using KvHeadIndex = Index<struct KvHeadTag>;
using RecordingIndex =
    Index<struct RecordingTag>;  // within a process: a decode step recorded once and replayed (a CUDA graph)
using TokenId = Index<struct TokenIdTag>;

// A duration, or a moment on the monotonic clock of the process that recorded it.
using Nanoseconds = std::chrono::nanoseconds;

inline Nanoseconds monotonicNow() {
    return std::chrono::duration_cast<Nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace fluxscope
