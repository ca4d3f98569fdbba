// What recording costs, as `fluxscope-cli overhead` measured it: kept for this machine, and told to captures.
#pragma once

#include "app/serve/machine_cache.h"
#include "engine/contract/observer.h"
#include "profiler/analysis/paired_ratio.h"

#include <cstdint>
#include <optional>
#include <string>

namespace fluxscope {

// Figures hold for runs whose keys are equal.
struct OverheadKey {
    MachineKey machine;
    std::string model;        // its shape and dtype, not its weights
    std::string collectors;   // "host-timer", "trace", "off", ...
    std::int64_t length = 0;  // of the prompt, rounded up to a power of two
};

// `collect` as --collect has it; `auto` is what it stands for on that machine.
OverheadKey overheadKey(const MachineKey& machine, const ModelFacts& model, const std::string& dtype,
                        const std::string& collect, std::int64_t promptTokens);
nlohmann::json toJson(const OverheadKey& key);

// Of runs with a capture and its collector against runs without a capture.
struct Overhead {
    PairedRatio prefill;
    std::optional<PairedRatio>
        token;          // median time of a decoded token; absent when fewer than two were decoded
    PairedRatio whole;  // prefill and decode together
    std::int64_t promptTokens = 0;
    std::int64_t newTokens = 0;
    std::string policy;
    std::string when;  // UTC

    friend bool operator==(const Overhead&, const Overhead&) = default;
};

nlohmann::json toJson(const Overhead& overhead);

std::optional<Overhead> overheadIn(const MachineCache& cache, const OverheadKey& key);
void keepOverhead(MachineCache& cache, const OverheadKey& key, const Overhead& overhead);

inline constexpr const char* kOverheadCache = "overhead";

}  // namespace fluxscope
