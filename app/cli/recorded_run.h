// A run of a capture, to be gone through again: its prompts, what it generated and what every layer decided.
#pragma once

#include "engine/contract/run.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace fluxscope::cli {

struct RecordedRun {
    RunRequest request;
    std::string modelHash;  // of the model it was recorded with
};

enum class RecordedPrompts : std::uint8_t {
    Needed,
    GivenAgain  // the capture keeps no prompt text: its prompts come without their tokens
};

// `run` is its number in the capture; without one, the last that finished. Throws InputError when the capture lacks what a
// replay needs: it was cut off, or keeps no prompt text.
RecordedRun recordedRun(const std::filesystem::path& file, std::optional<std::int64_t> run,
                        RecordedPrompts prompts = RecordedPrompts::Needed);

}  // namespace fluxscope::cli
