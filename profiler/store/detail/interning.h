// Texts, places and launch shapes that stand in a capture once, and their numbers. Knows the texts and shapes that are in the file.
#pragma once

#include "profiler/store/detail/raw_statement.h"
#include "profiler/store/device_records.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fluxscope {

// Integers as a key of a hash map.
template <std::size_t N>
struct HashOf {
    std::size_t operator()(const std::array<std::int32_t, N>& values) const {
        std::uint64_t hash = 0x9E3779B97F4A7C15;
        for (const std::int32_t value : values) {
            hash = (hash ^ static_cast<std::uint32_t>(value)) * 0xFF51AFD7ED558CCD;
            hash ^= hash >> 32;
        }
        return static_cast<std::size_t>(hash);
    }
};

// A scope's key without its step, parts that are absent as -1; and nobody's: phase -1 too.
using PlaceParts = std::array<std::int32_t, 6>;  // batch, turn, phase, layer, chunk, op
inline constexpr PlaceParts kNobody{-1, -1, -1, -1, -1, -1};
PlaceParts placePartsOf(const ScopeKey& key);

class Interning {
public:
    explicit Interning(SQLite::Database& database);

    void beginRun(std::int64_t run);  // places are those of a run

    std::int64_t name(std::string_view text);
    std::int64_t kernelName(std::string_view mangled);  // with what people read instead
    std::int64_t place(const PlaceParts& parts);
    std::int64_t launch(const LaunchShape& shape);

private:
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    struct Name {
        std::int64_t id = 0;
        bool isKernels = false;
    };

    RawStatement addName_, explainName_, addPlace_, addLaunch_;
    std::unordered_map<std::string, Name, TextHash, std::equal_to<>> names_;
    std::unordered_map<PlaceParts, std::int64_t, HashOf<6>> places_;
    std::unordered_map<std::array<std::int32_t, 12>, std::int64_t, HashOf<12>> launches_;
    std::int64_t run_ = 0;
    std::int64_t lastName_ = 0, lastPlace_ = 0, lastLaunch_ = 0;
};

}  // namespace fluxscope
