// What this machine can reach: bytes a second of its memory and FLOP/s of its matrix products, measured with the same kernels, library
// and threads that the engine computes with. docs/performance.md says what stands behind each number.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/contract/ceilings.h"
#include "engine/engine.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fluxscope {

struct CeilingPlan {
    std::int64_t arrayBytes = 0;            // of each of three arrays, far beyond the last cache
    std::vector<std::int64_t> matrixSides;  // of square products, each tried
    double secondsEach = 0;                 // of repeats, after one that does not count
    std::int64_t fewestRepeats = 3;         // however long they take
};

// Some ten seconds in all. Throws MachineError where this build or machine has no such device.
CeilingPlan ceilingPlan(DeviceKind device);

// `progress` hears what is about to be measured, and how many of how many are done. Throws MachineError, CancelledError.
MeasuredCeilings measureCeilings(
    DeviceKind device, const CeilingPlan& plan, const CancelToken& cancel,
    const std::function<void(const std::string& what, std::int64_t done, std::int64_t total)>& progress = {});

}  // namespace fluxscope
