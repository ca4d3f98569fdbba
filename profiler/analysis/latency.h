// Latencies with names, over the repeats of one thing:
//
//   load     from opening the model's files until it could run, a process
//   prefill  from the first launch of a batch's first turn until the first token of each of its sequences is on the host, a batch
//   TTFT     from the same launch to its first token on the host, a sequence
//   TPOT     from one token on the host to the next, a decode step of a sequence
//
// A first run pays for what later ones find warm. Where a `warm-up` run of the same model, policy and device was recorded
// before, it is that one which is left out; where the process says that it made a pass before each run, nothing more is; else the
// first of several repeats. Of a single run nothing is left out, and the result says so. Only timed runs at free clocks are latencies: anything else is refused with a sentence.
#pragma once

#include "profiler/analysis/origin.h"
#include "profiler/analysis/percentiles.h"
#include "profiler/capture/snapshot.h"

#include <span>
#include <string>
#include <variant>
#include <vector>

namespace fluxscope {

struct LatencyFigure {
    Percentiles seconds;  // count 0: none, and `origin` says why
    std::string origin;
};

struct Latency {
    std::vector<RunIndex> runs;       // that the figures are from
    std::vector<RunIndex> discarded;  // as warm-up
    std::string warmUp;               // what was discarded, or that nothing was
    LatencyFigure load;
    LatencyFigure prefill;
    LatencyFigure timeToFirstToken;
    LatencyFigure timePerToken;
};

// Why there is no latency, for people; and what kind of reason it is.
struct LatencyRefused {
    enum class Why : std::uint8_t { NoSuchRun, Role, ClockLocked, NotAlike, NotFinished };
    Why why = Why::NoSuchRun;
    std::string sentence;
};

// Of runs that repeat one thing: they must agree in model, policy, sparse form, device and dtype.
std::variant<Latency, LatencyRefused> latencyOf(const Snapshot& snapshot, std::span<const RunIndex> runs);

// The runs that repeat this one, itself included, in the order of recording.
std::vector<RunIndex> repeatsOf(const Snapshot& snapshot, RunIndex run);

}  // namespace fluxscope
