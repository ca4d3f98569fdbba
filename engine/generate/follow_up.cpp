#include "engine/generate/follow_up.h"

#include <chrono>

namespace fluxscope {

FollowUp followUpOf(const LoadedModel& model, const PreparedPrompt&, const std::vector<TokenId>& history,
                    std::span<const std::string>, std::span<const std::string> followUps) {
    const auto began = std::chrono::steady_clock::now();
    FollowUp next;
    next.ids = history;
    const Encoding said = model.tokenizer.encode(followUps.back(), false);
    next.ids.insert(next.ids.end(), said.ids.begin(), said.ids.end());
    next.tokenizingSeconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return next;
}

}  // namespace fluxscope
