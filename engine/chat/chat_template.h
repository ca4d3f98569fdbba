// A model's chat template: messages to the text that the model was trained to answer.
//
// It is a Jinja template (engine/chat/jinja.h) in FOLDER/chat_template.jinja, else in FOLDER/tokenizer_config.json, whose special
// tokens it sees under their names (bos_token, eos_token ...). docs/chat-templates.md says what is understood.
#pragma once

#include "engine/chat/jinja.h"
#include "engine/contract/prompt_set.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace fluxscope {

struct ChatOptions {
    bool addGenerationPrompt = true;  // end where the assistant's answer begins
    nlohmann::ordered_json variables =
        nlohmann::ordered_json::object();  // more of what the template sees: tools, enable_thinking
    std::optional<std::tm> now;            // what strftime_now tells; the present when absent
    jinja::RenderLimits limits;
};

class ChatTemplate {
public:
    // Absent when the folder has none. Throws InputError when its files cannot be read; a template that cannot be understood is
    // told when it is needed, for with --raw it never is.
    static std::optional<ChatTemplate> load(const std::filesystem::path& folder);
    // `file` and `field` are for messages; `specialTokens` has names and texts.
    ChatTemplate(std::string_view text, std::string file, std::string field,
                 nlohmann::ordered_json specialTokens);

    // Throws InputError naming the file, its line and what went wrong: the template's own objection to the messages too.
    std::string render(std::span<const ChatMessage> messages, const ChatOptions& options = {}) const;

private:
    std::string file_;
    std::string field_;
    nlohmann::ordered_json specialTokens_;
    std::optional<jinja::Template> template_;
    std::exception_ptr broken_;  // in place of the template
};

}  // namespace fluxscope
