#include "engine/chat/chat_template.h"

#include "engine/chat/detail/value.h"
#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <array>

namespace fluxscope {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kLargestTemplate = std::int64_t{1} << 20;
constexpr std::int64_t kLargestConfig = std::int64_t{64} << 20;
const char* const kWithoutIt = "use --raw to give the model a text as it is, or another template";

InputError refusal(const std::string& file, const std::string& field, const jinja::TemplateError& error) {
    const std::string place = (field.empty() ? "" : field + " ") + "line " + std::to_string(error.line);
    if (error.raisedByIt)
        return {file, place, "refuses these messages: " + printable(error.problem, 300),
                "give messages in the form that this model wants, or use --raw to give it a text as it is"};
    if (error.overLimit)
        return {file, place, "needs more than a template may take: it " + printable(error.problem, 300),
                kWithoutIt};
    return {file, place, "cannot be rendered: " + printable(error.problem, 300), kWithoutIt};
}

// Names and texts of special tokens: "eos_token": "</s>" or {"content": "</s>", ...}.
Json specialTokensOf(const nlohmann::json& config) {
    Json tokens = Json::object();
    for (const auto& [name, value] : config.items()) {
        if (!name.ends_with("_token")) continue;
        if (value.is_string())
            tokens[name] = value.get<std::string>();
        else if (value.is_object() && value.contains("content") && value["content"].is_string())
            tokens[name] = value["content"].get<std::string>();
    }
    return tokens;
}

// A text, or a list of named ones, of which the default one is meant.
std::optional<std::string> textIn(const nlohmann::json& config, const std::string& file) {
    const auto found = config.find("chat_template");
    if (found == config.end() || found->is_null()) return std::nullopt;
    if (found->is_string()) return found->get<std::string>();
    if (found->is_array())
        for (const nlohmann::json& named : *found)
            if (named.is_object() && named.value("name", nlohmann::json()) == "default" &&
                named.contains("template") && named["template"].is_string())
                return named["template"].get<std::string>();
    throw InputError(file, "chat_template", "is neither a text nor a list with one named default",
                     "use the tokenizer_config.json that came with the model");
}

// Reasoning goes by several names; as transformers does, a template finds it under those that templates read.
void aliasReasoning(Json& message) {
    for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
        const auto found = message.find(name);
        if (found == message.end() || found->is_null()) continue;
        Json reasoning = *found;  // a copy: what follows moves the fields
        if (!message.contains("thinking")) message["thinking"] = reasoning;
        message["reasoning_content"] = std::move(reasoning);
        return;
    }
}

Json jsonOf(const ChatMessage& message) {
    Json json{{"role", message.role}, {"content", message.content}};
    if (!message.fields.empty()) json.update(Json::parse(message.fields));
    aliasReasoning(json);
    return json;
}

}  // namespace

std::optional<ChatTemplate> ChatTemplate::load(const std::filesystem::path& folder) {
    const std::filesystem::path configFile = folder / "tokenizer_config.json";
    const std::filesystem::path templateFile = folder / "chat_template.jinja";
    std::error_code ignored;
    const nlohmann::json config = std::filesystem::exists(configFile, ignored)
                                      ? readJsonObject(configFile, kLargestConfig)
                                      : nlohmann::json::object();
    if (std::filesystem::exists(templateFile, ignored))
        return ChatTemplate(readWholeFile(templateFile, kLargestTemplate), templateFile.string(), "",
                            specialTokensOf(config));
    const std::optional<std::string> text = textIn(config, configFile.string());
    if (!text) return std::nullopt;
    return ChatTemplate(*text, configFile.string(), "chat_template", specialTokensOf(config));
}

ChatTemplate::ChatTemplate(std::string_view text, std::string file, std::string field, Json specialTokens)
    : file_(std::move(file)), field_(std::move(field)), specialTokens_(std::move(specialTokens)) {
    try {
        if (static_cast<std::int64_t>(text.size()) > kLargestTemplate)
            throw jinja::TemplateError{.line = 1, .problem = "is longer than 1 MiB", .overLimit = true};
        template_ = jinja::Template::parse(text);
    } catch (const jinja::TemplateError& error) {
        broken_ = std::make_exception_ptr(refusal(file_, field_, error));
    }
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages, const ChatOptions& options) const {
    if (broken_) std::rethrow_exception(broken_);
    Json variables{
        {"tools", nullptr}, {"documents", nullptr}, {"add_generation_prompt", options.addGenerationPrompt}};
    variables.update(specialTokens_);
    variables.update(options.variables);
    Json list = Json::array();
    for (const ChatMessage& message : messages) list.push_back(jsonOf(message));
    variables["messages"] = std::move(list);
    try {
        return template_->render(variables, options.limits, options.now);
    } catch (const jinja::TemplateError& error) {
        throw refusal(file_, field_, error);
    }
}

}  // namespace fluxscope
