// How a sparse layer attends: a prefill mode, a decode mode, and their sizes. Short forms, as on the command line, with their
// defaults (any key may be left out; decode=dense may be added to each; docs/attention-modes.md has every rule):
//
//   streaming:sink=128,window=2048,granularity=token
//   triangle:sink=128,window=2048,granularity=token,last=128
//   xattention:stride=16,threshold=0.9,sink=128,window=2048       sink and window are those of its streaming decode
//   longformer:window=2048,global=128,dilation=1
//   bigbird:block=64,window=3,global=2,random=3,seed=0            window, global and random count blocks
//   full:sink=128,window=2048                                     dense prefill, then streaming decode
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxscope {

enum class PrefillMode : std::uint8_t { Full, Streaming, Triangle, XAttention, Longformer, BigBird };
enum class DecodeMode : std::uint8_t { Dense, Streaming };
enum class Granularity : std::uint8_t { Token, Block };

std::string_view nameOf(PrefillMode mode);  // as in the short form

// Which key j <= i is seen by query i, mode by mode:
//
//   Full        every one
//   Streaming   token: j < sink or i - j < window. block, the published kernel's: with blocks of 128, those whose block
//               is among the first ceil(sink / 128) or the last ceil(window / 128) up to the query's own
//   Triangle    the last `last` queries of the prompt every one, the others as Streaming
//   XAttention  those in the blocks of 128 that the estimate keeps (kernels/xattention/xattention.h)
//   Longformer  j < global, or i - j < window * dilation and (i - j) mod dilation == 0
//   BigBird     those whose block is among the first `global`, among the last `window` up to the query's own, or one of
//               `random` further ones in between, drawn from seed, layer and the query's block: the same for all heads
//
// A member that a mode does not know stays at its default.
struct SparseForm {
    static constexpr std::int64_t kBlock = 128;

    PrefillMode prefill = PrefillMode::Streaming;
    DecodeMode decode = DecodeMode::Streaming;
    Granularity granularity = Granularity::Token;  // Streaming, Triangle
    std::int64_t sink = 128;     // in tokens, for BigBird in blocks; Longformer and BigBird call it global
    std::int64_t window = 2048;  // in tokens, for BigBird in blocks
    std::int64_t last = 128;     // Triangle
    std::int64_t stride = 16;    // XAttention; at least 2, divides 128
    double threshold = 0.9;      // XAttention; above 0, up to 1
    std::int64_t dilation = 1;   // Longformer
    std::int64_t block = 64;     // BigBird
    std::int64_t random = 3;     // BigBird
    std::int64_t seed = 0;       // BigBird

    // A mode's form with nothing said about it.
    static SparseForm of(PrefillMode mode);

    // What a cache keeps for streaming decode, in tokens: the first decodeSink() and the last decodeWindow(). Decoding sees
    // all of it, token by token: with blocks or a dilation that is a superset of what the prefill rule would select.
    std::int64_t decodeSink() const;
    std::int64_t decodeWindow() const;

    friend bool operator==(const SparseForm&, const SparseForm&) = default;
};

// Throws UsageError, naming `where` ("--sparse", or a file) and the part that is wrong.
SparseForm parseSparseForm(std::string_view text, const std::string& where = "--sparse");
std::string shortForm(const SparseForm& form);

// The same checks for a form that was put together in code.
void requireValid(const SparseForm& form, const std::string& where = "--sparse");

}  // namespace fluxscope
