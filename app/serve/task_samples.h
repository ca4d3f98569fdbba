// Tasks by a model's own tokenizer: how long a text is, and what its answer is in tokens.
#pragma once

#include "app/serve/engine_host.h"
#include "engine/tasks/tasks.h"

#include <string>
#include <vector>

namespace fluxscope {

// With the special tokens of a raw text. `codec` outlives it.
tasks::TokenCounter tokenCounter(const TextCodec& codec);

// As a model has to say it: the space before an answer belongs to it, the text stops before that.
std::vector<TokenId> answerIds(const TextCodec& codec, const std::string& answer);

}  // namespace fluxscope
