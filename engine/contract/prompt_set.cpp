#include "engine/contract/prompt_set.h"

#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

namespace fluxscope {
namespace {

using Json = nlohmann::ordered_json;  // a tool's arguments keep their order: templates write it

constexpr const char* kRemedy =
    "write a line such as {\"id\":\"a\",\"kind\":\"prose\",\"text\":\"...\"}; text may be messages or ids "
    "instead";

// What chat templates read of a message beside its role and content.
constexpr std::array<std::string_view, 7> kMessageFields = {
    "name", "tool_calls", "tool_call_id", "reasoning_content", "reasoning", "thinking", "tools"};

// One line of a prompt set; every refusal names the file, the line and the field.
class Line {
public:
    Line(std::string_view text, std::string where) : where_(std::move(where)) {
        json_ = Json::parse(text, nullptr, false);
        if (json_.is_discarded()) throw refuse("", "is not JSON in UTF-8");
        if (!json_.is_object()) throw refuse("", "is not a JSON object");
    }

    std::string text(const char* name) const {
        const auto field = json_.find(name);
        if (field == json_.end()) return {};
        if (!field->is_string()) throw refuse(name, "is not a text");
        return field->get<std::string>();
    }
    PromptSplit split() const {
        const std::string name = text("split");
        if (name.empty()) return PromptSplit::Unsplit;
        if (name == "tune") return PromptSplit::Tune;
        if (name == "test") return PromptSplit::Test;
        throw refuse("split", "is '" + printable(name) + "', not tune or test");
    }
    PromptContent content() const {
        const int given =
            int{json_.contains("text")} + int{json_.contains("messages")} + int{json_.contains("ids")};
        if (given != 1) throw refuse("", "must have exactly one of text, messages and ids");
        if (json_.contains("messages")) return messages();
        if (json_.contains("ids")) return ids();
        return text("text");
    }
    InputError refuse(const std::string& field, const std::string& problem) const {
        return {where_, field, problem, kRemedy};
    }

private:
    std::vector<ChatMessage> messages() const {
        const Json& list = json_["messages"];
        if (!list.is_array() || list.empty()) throw refuse("messages", "is not a list of messages");
        std::vector<ChatMessage> messages;
        for (const Json& message : list) messages.push_back(parseMessage(message));
        return messages;
    }
    ChatMessage parseMessage(const Json& json) const {
        const auto isText = [&](const char* name) { return json.contains(name) && json[name].is_string(); };
        const bool calls = json.is_object() && json.contains("tool_calls") && json["tool_calls"].is_array();
        if (!json.is_object() || !isText("role") ||
            !(isText("content") || (calls && !json.contains("content"))))
            throw refuse("messages", "has a message without a role and a content");
        ChatMessage message{.role = json["role"].get<std::string>(), .content = json.value("content", "")};
        Json more = Json::object();
        for (const auto& [name, value] : json.items()) {
            if (name == "role" || name == "content") continue;
            if (std::find(kMessageFields.begin(), kMessageFields.end(), name) == kMessageFields.end())
                throw refuse("messages", "has a message with the field '" + printable(name) +
                                             "', which is not understood");
            more[name] = value;
        }
        if (!more.empty()) message.fields = more.dump();
        return message;
    }
    std::vector<TokenId> ids() const {
        const Json& list = json_["ids"];
        if (!list.is_array() || list.empty()) throw refuse("ids", "is not a list of token ids");
        std::vector<TokenId> ids;
        for (const Json& id : list) {
            if (!id.is_number_integer() || id.get<std::int64_t>() < 0 ||
                id.get<std::int64_t>() > std::numeric_limits<std::int32_t>::max())
                throw refuse("ids", "has an entry that is not a token id");
            ids.emplace_back(id.get<std::int32_t>());
        }
        return ids;
    }

    std::string where_;
    Json json_;
};

Prompt parseLine(const Line& line, std::size_t number) {
    Prompt prompt{.id = line.text("id"),
                  .kind = line.text("kind"),
                  .split = line.split(),
                  .content = line.content(),
                  .answer = line.text("answer"),
                  .scorer = line.text("scorer")};
    if (prompt.id.empty()) prompt.id = "prompt-" + std::to_string(number);
    if (prompt.kind.empty()) prompt.kind = "prompt";
    return prompt;
}

Json contentJson(const PromptContent& content, const char*& name) {
    if (const auto* text = std::get_if<std::string>(&content)) {
        name = "text";
        return *text;
    }
    if (const auto* messages = std::get_if<std::vector<ChatMessage>>(&content)) {
        name = "messages";
        Json list = Json::array();
        for (const ChatMessage& message : *messages) {
            Json line{{"role", message.role}, {"content", message.content}};
            if (!message.fields.empty()) line.update(Json::parse(message.fields));
            list.push_back(std::move(line));
        }
        return list;
    }
    name = "ids";
    Json list = Json::array();
    for (const TokenId id : std::get<std::vector<TokenId>>(content)) list.push_back(id.value());
    return list;
}

}  // namespace

std::string_view nameOf(PromptSplit split) {
    switch (split) {
        case PromptSplit::Unsplit: return "";
        case PromptSplit::Tune: return "tune";
        case PromptSplit::Test: return "test";
    }
    return "";
}

PromptSet parsePromptSet(std::string_view jsonl, const std::string& where) {
    PromptSet set;
    std::set<std::string> ids;
    for (std::size_t number = 1; !jsonl.empty(); ++number) {
        const std::size_t end = jsonl.find('\n');
        const std::string_view text = jsonl.substr(0, end);
        jsonl = end == std::string_view::npos ? std::string_view{} : jsonl.substr(end + 1);
        if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;

        const Line line(text, where + ":" + std::to_string(number));
        Prompt prompt = parseLine(line, number);
        if (!ids.insert(prompt.id).second)
            throw line.refuse("id", "'" + printable(prompt.id) + "' stands twice in this set");
        set.prompts.push_back(std::move(prompt));
    }
    if (set.prompts.empty()) throw InputError(where, "", "holds no prompt", kRemedy);
    return set;
}

PromptSet readPromptSet(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw InputError(file.string(), "", "cannot be read", "check the path of the prompt set");
    std::ostringstream text;
    text << in.rdbuf();
    return parsePromptSet(text.str(), file.string());
}

std::string toJsonl(const PromptSet& set) {
    std::string text;
    for (const Prompt& prompt : set.prompts) {
        Json json{{"id", prompt.id}, {"kind", prompt.kind}};
        const char* name = nullptr;
        const Json content = contentJson(prompt.content, name);
        json[name] = content;
        if (prompt.split != PromptSplit::Unsplit) json["split"] = nameOf(prompt.split);
        if (!prompt.answer.empty()) json["answer"] = prompt.answer;
        if (!prompt.scorer.empty()) json["scorer"] = prompt.scorer;
        text += json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
    return text;
}

}  // namespace fluxscope
