// What is asked of a model, checked against it before anything is computed or told to an observer.
#pragma once

#include "engine/checkpoint/config.h"
#include "engine/engine.h"
#include "engine/generate/loaded_model.h"

#include <string>
#include <vector>

namespace fluxscope {

struct PreparedPrompt {
    std::vector<TokenId> ids;
    std::string text;
    std::vector<ChatMessage> messages;  // that the chat template made the text of; empty: it made none
    std::vector<ByteRange> byteRanges;  // empty if ids were given
    double tokenizingSeconds = 0;
};

// Throws UsageError or InputError naming the prompt.
std::vector<PreparedPrompt> preparePrompts(const RunRequest& request, const LoadedModel& model);
// What can be said without looking at the prompts' text.
void requireRunnable(const RunRequest& request, const ModelFacts& facts);
void requireForward(const ForwardRequest& request, const ModelConfig& config);

}  // namespace fluxscope
