// How a sparse layer attends: a prefill mode, a decode mode, and their sizes. Short form, as on the command line:
//   streaming:sink=128,window=2048,granularity=token,decode=streaming
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxscope {

enum class PrefillMode : std::uint8_t { Full, Streaming };
enum class DecodeMode : std::uint8_t { Dense, Streaming };
enum class Granularity : std::uint8_t { Token, Block };

// Token granularity: key j is seen by query i when j <= i and (j < sink or i - j < window).
// Block granularity is the published kernel's: blocks of 128; query block b sees block 0 .. sinkBlocks-1 and the last
// windowBlocks blocks up to its own, all causal. It decodes token-exact with window = blocks * 128.
struct SparseForm {
    static constexpr std::int64_t kBlock = 128;

    PrefillMode prefill = PrefillMode::Streaming;
    DecodeMode decode = DecodeMode::Streaming;
    Granularity granularity = Granularity::Token;
    std::int64_t sink = 128;
    std::int64_t window = 2048;

    friend bool operator==(const SparseForm&, const SparseForm&) = default;
};

// Throws UsageError, naming `where` ("--sparse", or a file) and the part that is wrong.
SparseForm parseSparseForm(std::string_view text, const std::string& where = "--sparse");
std::string shortForm(const SparseForm& form);

}  // namespace fluxscope
