// What this machine can reach (engine/ceilings), measured, kept for this machine, and told to captures.
#pragma once

#include "app/serve/machine_cache.h"
#include "engine/contract/cancel.h"
#include "engine/contract/ceilings.h"

#include <functional>
#include <optional>
#include <string>

namespace fluxscope {

struct KeptCeilings {
    MeasuredCeilings measured;
    std::string when;  // UTC
};

// About ten seconds. Throws UsageError (device), MachineError, CancelledError.
KeptCeilings measureCeilings(
    const std::string& device, const CancelToken& cancel,
    const std::function<void(const std::string& what, std::int64_t done, std::int64_t total)>& progress);

std::optional<KeptCeilings> ceilingsIn(const MachineCache& cache, const MachineKey& machine);
void keepCeilings(MachineCache& cache, const MachineKey& machine, const KeptCeilings& ceilings);

nlohmann::json toJson(const MeasuredCeilings& ceilings);

inline constexpr const char* kCeilingsCache = "ceilings";

}  // namespace fluxscope
