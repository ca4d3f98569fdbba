// What is said next in a conversation, as token ids.
#pragma once

#include "engine/generate/loaded_model.h"
#include "engine/generate/requests.h"

#include <span>
#include <string>
#include <vector>

namespace fluxscope {

struct FollowUp {
    std::vector<TokenId> ids;  // of the whole conversation
    std::string redoneWhy;     // empty: they begin with what has been computed so far
    double tokenizingSeconds = 0;
};

// `history`: the ids so far, of which the last has not been computed. `answers` and `followUps` have one text a turn.
FollowUp followUpOf(const LoadedModel& model, const PreparedPrompt& prompt,
                    const std::vector<TokenId>& history, std::span<const std::string> answers,
                    std::span<const std::string> followUps);

}  // namespace fluxscope
