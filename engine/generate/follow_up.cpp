#include "engine/generate/follow_up.h"

#include <chrono>

namespace fluxscope {
namespace {

std::vector<TokenId> joined(std::vector<TokenId> ids, const std::vector<TokenId>& more) {
    ids.insert(ids.end(), more.begin(), more.end());
    return ids;
}

// The chat template writes the whole conversation anew. What has been computed stands if it is how that text begins, and if what
// is said next can be spelled behind it: templates drop an earlier answer's thoughts, and some tokenizers see a text's beginning.
void continueChat(FollowUp& next, const LoadedModel& model, const std::vector<ChatMessage>& messages,
                  const std::vector<TokenId>& history) {
    const std::string text = model.chat->render(messages);
    const std::string computed = model.tokenizer.decode(history);
    if (text.starts_with(computed)) {
        next.ids = joined(history, model.tokenizer.encode(text.substr(computed.size()), false).ids);
        if (model.tokenizer.decode(next.ids) == text) return;
    }
    next.ids = model.tokenizer.encode(text, false).ids;
    next.redoneWhy = "the chat template writes what was said before differently now";
}

}  // namespace

FollowUp followUpOf(const LoadedModel& model, const PreparedPrompt& prompt,
                    const std::vector<TokenId>& history, std::span<const std::string> answers,
                    std::span<const std::string> followUps) {
    const auto began = std::chrono::steady_clock::now();
    FollowUp next;
    if (prompt.messages.empty()) {
        next.ids = joined(history, model.tokenizer.encode(followUps.back(), false).ids);
    } else {
        std::vector<ChatMessage> messages = prompt.messages;
        for (std::size_t turn = 0; turn < followUps.size(); ++turn) {
            messages.push_back({.role = "assistant", .content = answers[turn]});
            messages.push_back({.role = "user", .content = followUps[turn]});
        }
        continueChat(next, model, messages, history);
    }
    next.tokenizingSeconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return next;
}

}  // namespace fluxscope
