#include "profiler/analysis/top_kernels.h"

#include "profiler/analysis/detail/saturating.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fluxscope {

std::vector<TopKernel> topKernels(const KernelColumnsView& kernels, const TopKernelsBy& by,
                                  std::size_t atMost) {
    using Key =
        std::tuple<std::string, bool, std::optional<Phase>, std::optional<Op>, std::optional<LayerIndex>>;
    // A key is put together once per name and place, not once per kernel.
    std::map<std::pair<std::int32_t, std::int32_t>, std::vector<double>*> slots;
    std::map<Key, std::vector<double>> durations;
    double all = 0;
    for (std::size_t k = 0; k < kernels.size(); ++k) {
        if (kernels.bad(k)) continue;
        const auto [slot, isNew] = slots.try_emplace({kernels.name[k], kernels.place[k]}, nullptr);
        if (isNew) {
            const KernelPlace* place = kernels.placeOf(k);
            Key key{kernels.nameOf(k), place != nullptr, std::nullopt, std::nullopt, std::nullopt};
            if (place != nullptr && by.phase) std::get<2>(key) = place->phase;
            if (place != nullptr && by.op) std::get<3>(key) = place->op;
            if (place != nullptr && by.layer) std::get<4>(key) = place->layer;
            // Asked for nothing but names, a kernel is the same wherever it ran.
            if (!by.phase && !by.op && !by.layer) std::get<1>(key) = true;
            slot->second = &durations[key];
        }
        const auto ns = static_cast<double>(kernels.duration[k]);
        slot->second->push_back(ns);
        all += ns;
    }

    std::vector<TopKernel> top;
    for (auto& [key, values] : durations) {
        TopKernel kernel;
        std::tie(kernel.name, kernel.attributed, kernel.phase, kernel.op, kernel.layer) = key;
        double total = 0;
        for (const double value : values) total += value;
        kernel.total = Nanoseconds{static_cast<std::int64_t>(std::min(total, 9.2e18))};
        kernel.share = all > 0 ? total / all : 0;
        kernel.nanoseconds = percentilesOf(std::move(values));
        kernel.count = kernel.nanoseconds.count;
        top.push_back(std::move(kernel));
    }
    std::stable_sort(top.begin(), top.end(),
                     [](const TopKernel& a, const TopKernel& b) { return a.total > b.total; });
    if (atMost > 0 && top.size() > atMost) top.resize(atMost);
    return top;
}

std::optional<double> StreamGaps::launchBoundShare() const {
    const Nanoseconds known = minus(idle, unknown);
    const double whole = secondsOf(plus(busy, known));
    if (kernels == 0 || (known.count() <= 0 && unknown.count() > 0) || !(whole > 0)) return std::nullopt;
    return secondsOf(launchBound) / whole;
}

std::optional<double> StreamGaps::idleShare() const {
    const double whole = secondsOf(plus(busy, idle));
    if (!(whole > 0)) return std::nullopt;
    return secondsOf(idle) / whole;
}

std::vector<StreamGaps> streamGaps(const KernelColumnsView& kernels) {
    std::map<std::pair<std::int32_t, std::optional<Phase>>, StreamGaps> rows;
    std::map<std::int32_t, std::int64_t> busyUntil;
    for (const std::uint32_t k : inOrderOfTime(kernels)) {
        const KernelPlace* place = kernels.placeOf(k);
        const std::optional<Phase> phase = place != nullptr ? place->phase : std::nullopt;
        StreamGaps& row = rows[{kernels.stream[k], phase}];
        row.stream = kernels.stream[k];
        row.phase = phase;
        row.kernels += 1;

        const std::int64_t begin = kernels.begin[k];
        const auto [until, first] = busyUntil.try_emplace(kernels.stream[k], begin);
        if (const std::int64_t gap = minus(begin, until->second); gap > 0) {
            row.gaps += 1;
            row.idle = plus(row.idle, Nanoseconds{gap});
            row.longest = std::max(row.longest, Nanoseconds{gap});
            if (const auto launched = kernels.launchEndOf(k))
                row.launchBound =
                    plus(row.launchBound,
                         Nanoseconds{std::clamp<std::int64_t>(minus(*launched, until->second), 0, gap)});
            else
                row.unknown = plus(row.unknown, Nanoseconds{gap});
        }
        const std::int64_t alone = minus(kernels.end(k), std::max(begin, until->second));
        row.busy = plus(row.busy, Nanoseconds{std::max<std::int64_t>(0, alone)});
        until->second = std::max(until->second, kernels.end(k));
    }
    std::vector<StreamGaps> all;
    for (const auto& [key, row] : rows) all.push_back(row);
    return all;
}

}  // namespace fluxscope
