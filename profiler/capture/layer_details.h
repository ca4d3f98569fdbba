// What a view asks for when somebody points at something: too much to be part of every snapshot. Reads the file, so not on a
// thread that draws. Throws InputError as readCapture does, and MachineError while the file stays locked.
#pragma once

#include "engine/contract/observer.h"
#include "kernels/cost/cost.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace fluxscope {

struct ScopeRow {
    std::optional<ChunkIndex> chunk;
    std::optional<Op> op;  // absent: the whole of the layer, or of the chunk
    Nanoseconds begin{};
    Nanoseconds end{};
    std::optional<cost::Cost> cost;  // analytic
};

// The scopes of one layer in one step, in the order in which they ended. No layer: what lies outside all layers, and the
// step itself. Empty when none was kept: `--collect off`, or dropped under load.
std::vector<ScopeRow> readScopes(const std::filesystem::path& file, RunIndex run, BatchIndex batch,
                                 StepIndex step, std::optional<LayerIndex> layer, TurnIndex turn = {});

struct PromptTokenRow {
    std::int64_t position = 0;
    TokenId token;
    std::int64_t byteBegin = 0;  // into the prompt's text; both 0 where the prompt was given as ids
    std::int64_t byteEnd = 0;
};

// Those of the prompt itself, or of a follow-up: what its turn sent through prefill. By position; empty when recorded without
// prompt text.
std::vector<PromptTokenRow> readPromptTokens(const std::filesystem::path& file, RunIndex run,
                                             SequenceIndex sequence, TurnIndex turn = {});

}  // namespace fluxscope
