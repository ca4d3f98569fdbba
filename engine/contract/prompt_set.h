// A prompt set: JSONL, one prompt a line:
//   {"id":"needle-1","kind":"needle","split":"test","text":"...","answer":"7313","scorer":"contains"}
// with "messages":[{"role":"user","content":"..."}] (and name, tool_calls, tool_call_id, reasoning_content where a chat template
// reads them) or "ids":[1,2,3] in place of "text".
#pragma once

#include "engine/contract/index.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fluxscope {

enum class PromptSplit : std::uint8_t { Unsplit, Tune, Test };

std::string_view nameOf(PromptSplit split);

struct ChatMessage {
    std::string role;
    std::string content;
    std::string
        fields;  // a JSON object of what else it says, in its order: name, tool_calls ...; empty: nothing
    friend bool operator==(const ChatMessage&, const ChatMessage&) = default;
};

using PromptContent = std::variant<std::string, std::vector<ChatMessage>, std::vector<TokenId>>;

struct Prompt {
    std::string id;
    std::string kind;
    PromptSplit split = PromptSplit::Unsplit;
    PromptContent content;
    std::string answer;  // empty: none
    std::string scorer;  // empty: none

    friend bool operator==(const Prompt&, const Prompt&) = default;
};

struct PromptSet {
    std::vector<Prompt> prompts;
};

// Both throw InputError naming `where`, the line and the field. Ids must be unique; blank lines are skipped.
PromptSet parsePromptSet(std::string_view jsonl, const std::string& where);
PromptSet readPromptSet(const std::filesystem::path& file);
std::string toJsonl(const PromptSet& set);

}  // namespace fluxscope
