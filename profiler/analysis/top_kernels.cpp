#include "profiler/analysis/top_kernels.h"

#include "profiler/analysis/detail/pair_index.h"
#include "profiler/analysis/detail/saturating.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace fluxscope {

std::vector<TopKernel> topKernels(const KernelColumnsView& kernels, const TopKernelsBy& by,
                                  std::size_t atMost) {
    using Key =
        std::tuple<std::string, bool, std::optional<Phase>, std::optional<Op>, std::optional<LayerIndex>>;
    // A key is put together once per name and place, and found again by their numbers.
    std::map<Key, std::uint32_t> rowOf;
    std::vector<std::vector<double>> durations;
    const std::size_t places = kernels.places.size() + 1;  // the last: nobody's
    PairIndex rowAt(kernels.names.size() + 1, places);
    double all = 0;
    for (std::size_t k = 0; k < kernels.size(); ++k) {
        if (kernels.bad(k)) continue;
        const KernelPlace* about = kernels.placeOf(k);
        std::uint32_t& row =
            rowAt.of(std::min(static_cast<std::size_t>(kernels.name[k]), kernels.names.size()),
                     about != nullptr ? static_cast<std::size_t>(kernels.place[k]) : places - 1);
        if (row == PairIndex::kNew) {
            // Asked for nothing but names, a kernel is the same wherever it ran.
            const bool apart = by.phase || by.op || by.layer;
            Key key{kernels.nameOf(k), !apart || about != nullptr, std::nullopt, std::nullopt, std::nullopt};
            if (about != nullptr && by.phase) std::get<2>(key) = about->phase;
            if (about != nullptr && by.op) std::get<3>(key) = about->op;
            if (about != nullptr && by.layer) std::get<4>(key) = about->layer;
            const auto [at, isNew] =
                rowOf.try_emplace(std::move(key), static_cast<std::uint32_t>(durations.size()));
            if (isNew) durations.emplace_back();
            row = at->second;
        }
        const auto ns = static_cast<double>(kernels.duration[k]);
        durations[row].push_back(ns);
        all += ns;
    }

    std::vector<TopKernel> top;
    for (const auto& [key, row] : rowOf) {
        std::vector<double>& values = durations[row];
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
    constexpr std::size_t kPhases = 3;  // prefill, decode, nobody's
    struct Stream {
        std::array<StreamGaps, kPhases> rows;
        std::int64_t busyUntil = 0;
    };
    std::map<std::int32_t, Stream> streams;
    Stream* last = nullptr;  // of the kernel before: nearly always this one's too
    std::int32_t lastStream = 0;
    for (const std::uint32_t k : inOrderOfTime(kernels)) {
        const KernelPlace* place = kernels.placeOf(k);
        const std::int64_t begin = kernels.begin[k];
        if (last == nullptr || lastStream != kernels.stream[k]) {
            lastStream = kernels.stream[k];
            const auto [at, isNew] = streams.try_emplace(lastStream);
            last = &at->second;
            if (isNew) last->busyUntil = begin;
        }
        StreamGaps& row =
            last->rows.at(place != nullptr ? static_cast<std::size_t>(*place->phase) : kPhases - 1);
        if (row.kernels == 0) {
            row.stream = lastStream;
            row.name = kernels.queueName(lastStream);
            if (place != nullptr) row.phase = place->phase;
        }
        row.kernels += 1;

        const std::int64_t until = last->busyUntil;
        if (const std::int64_t gap = minus(begin, until); gap > 0) {
            row.gaps += 1;
            row.idle = plus(row.idle, Nanoseconds{gap});
            row.longest = std::max(row.longest, Nanoseconds{gap});
            if (const auto launched = kernels.launchEndOf(k))
                row.launchBound = plus(
                    row.launchBound, Nanoseconds{std::clamp<std::int64_t>(minus(*launched, until), 0, gap)});
            else
                row.unknown = plus(row.unknown, Nanoseconds{gap});
        }
        const std::int64_t alone = minus(kernels.end(k), std::max(begin, until));
        row.busy = plus(row.busy, Nanoseconds{std::max<std::int64_t>(0, alone)});
        last->busyUntil = std::max(until, kernels.end(k));
    }
    // Of one stream: nobody's first, then by phase.
    std::vector<StreamGaps> all;
    for (const auto& [number, stream] : streams)
        for (const std::size_t phase : {kPhases - 1, std::size_t{0}, std::size_t{1}})
            if (stream.rows.at(phase).kernels > 0) all.push_back(stream.rows.at(phase));
    return all;
}

}  // namespace fluxscope
