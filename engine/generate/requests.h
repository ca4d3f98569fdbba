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

// Of each of its conversations.
std::size_t turnsOf(const RunRequest& request);
// Layers may turn sparse while it decodes: by a probe that acts, or by one of the recording.
bool turnsLayersSparse(const RunRequest& request);
bool repeatsProbes(const RunRequest& request);

// Throws UsageError or InputError naming the prompt.
std::vector<PreparedPrompt> preparePrompts(const RunRequest& request, const LoadedModel& model);
// What can be said without looking at the prompts' text.
void requireRunnable(const RunRequest& request, const ModelFacts& facts);
void requireForward(const ForwardRequest& request, const ModelConfig& config);

}  // namespace fluxscope
