// What a capture says of this machine's limits: what it can reach, and what recording costs on it. Read from the caches that
// `fluxscope-cli ceilings` and `overhead` fill; nothing is measured here.
#pragma once

#include "app/serve/ceilings.h"
#include "app/serve/overhead.h"
#include "profiler/store/records.h"

#include <string>
#include <vector>

namespace fluxscope {

// ceiling_bytes_per_second, ceiling_flops_<dtype> for each type, and ceiling_flops for the run's own; none when nothing was measured.
std::vector<EnvironmentFact> ceilingFacts(const std::optional<KeptCeilings>& ceilings,
                                          const std::string& dtype);

struct RecordedWith {
    ModelFacts model;
    std::string device;  // "cpu", "cuda:0"
    std::string dtype;
    std::string collect;
    std::int64_t promptTokens = 0;  // of the longest prompt
};

// `overhead`: the figures and where they come from, or how to get them.
EnvironmentFact overheadFact(const std::optional<Overhead>& overhead, const RecordedWith& run);

// All of them. A damaged cache is logged.
std::vector<EnvironmentFact> limitFacts(const MachineKey& machine, const RecordedWith& run);

}  // namespace fluxscope
