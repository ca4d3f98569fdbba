#include "app/serve/task_samples.h"

namespace fluxscope {

tasks::TokenCounter tokenCounter(const TextCodec& codec) {
    return tasks::calibrated([&codec](std::string_view text) {
        return static_cast<std::int64_t>(codec.encode(text, true).ids.size());
    });
}

std::vector<TokenId> answerIds(const TextCodec& codec, const std::string& answer) {
    return codec.encode(' ' + answer, false).ids;
}

}  // namespace fluxscope
