#include "engine/ceilings/ceilings.h"

#include "engine/ceilings/detail/products.h"
#include "engine/ceilings/detail/repeats.h"
#include "engine/ceilings/detail/streams.h"
#include "engine/contract/error.h"

#include <c10/core/InferenceMode.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace fluxscope {
namespace {

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
constexpr std::int64_t kStreams = 3;
constexpr double kLongestRepeat = 2;  // of a plan's seconds each

// The types that the engine computes in there (engine/transformer/compute.h).
std::vector<cost::DType> typesOn(DeviceKind device) {
    if (device == DeviceKind::Cuda) return {cost::DType::F32, cost::DType::BF16, cost::DType::F16};
    return {cost::DType::F32, cost::DType::BF16};
}

// As the machine tells it; 0 where it does not.
std::int64_t lastCacheBytes() {
    const std::int64_t third = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
    return std::max<std::int64_t>(third > 0 ? third : ::sysconf(_SC_LEVEL2_CACHE_SIZE), 0);
}

std::int64_t waysOf(const CeilingPlan& plan, DeviceKind device) {
    const std::int64_t libraries = std::ssize(typesOn(device));
    const std::int64_t ours = device == DeviceKind::Cpu ? 1 : 0;
    return kStreams + std::ssize(plan.matrixSides) * (libraries + ours);
}

// A CPU without instructions for bf16 would need half a minute for what another does in a tenth of a second, and be no faster at it
// than at a smaller product.
bool wouldTakeTooLong(const Repeated& work, const std::vector<CeilingRate>& known, const CeilingPlan& plan) {
    const CeilingRate* smaller = fastest(known, work.what);
    return smaller != nullptr &&
           static_cast<double>(work.amount) / smaller->best > kLongestRepeat * plan.secondsEach;
}

}  // namespace

CeilingPlan ceilingPlan(DeviceKind device) {
    const Compute compute = chooseCompute({.device = device, .dtype = {}, .router = {}}, cost::DType::F32);
    if (compute.isCuda())
        return {.arrayBytes = 1024 * kMebibyte, .matrixSides = {4096, 8192}, .secondsEach = 0.7};
    // Eight times the cache, as several sockets have several. The three arrays together are beyond any cache at 1 GiB each; a
    // machine with little room gets along with less.
    const std::int64_t wanted = std::max(256 * kMebibyte, 8 * lastCacheBytes());
    const std::int64_t room = compute.freeBytes() / (2 * kStreams) / kMebibyte * kMebibyte;
    return {.arrayBytes = std::clamp(room, 16 * kMebibyte, std::min(wanted, 1024 * kMebibyte)),
            .matrixSides = {1024, 2048},
            .secondsEach = 0.9};
}

MeasuredCeilings measureCeilings(
    DeviceKind device, const CeilingPlan& plan, const CancelToken& cancel,
    const std::function<void(const std::string&, std::int64_t, std::int64_t)>& progress) {
    const c10::InferenceMode guard;
    const std::int64_t total = waysOf(plan, device);
    std::int64_t done = 0;
    const auto measure = [&](const Repeated& work, const Compute& compute) {
        if (progress) progress(work.what, done, total);
        ++done;
        return rateOf(work, compute, plan, cancel);
    };

    MeasuredCeilings measured;
    {
        const Compute compute =
            chooseCompute({.device = device, .dtype = {}, .router = {}}, cost::DType::F32);
        measured.device = compute.deviceName();
        Streams streams(compute, plan);
        for (const Repeated& work : streams.all()) measured.bytes.push_back(measure(work, compute));
    }
    for (const cost::DType type : typesOn(device)) {
        const Compute compute = chooseCompute({.device = device, .dtype = type, .router = {}}, type);
        for (const std::int64_t side : plan.matrixSides)
            for (const Repeated& work : productsOf(compute, side)) {
                if (wouldTakeTooLong(work, measured.flops, plan)) continue;
                measured.flops.push_back(measure(work, compute));
            }
    }
    return measured;
}

}  // namespace fluxscope
