#include "engine/tokenizer/detail/post_processor.h"

#include "engine/contract/error.h"
#include "engine/tokenizer/detail/limits.h"
#include "engine/tokenizer/detail/steps.h"
#include "engine/tokenizer/detail/unicode.h"
#include "engine/tokenizer/utf8.h"

#include <algorithm>

namespace fluxscope {
namespace {

constexpr char32_t kSpaceLetter = 0x120;  // "Ġ"
const char* const kReadable = "use a tokenizer.json of the GPT-2, Llama, Mistral or Qwen kind";
const char* const kDamaged = "download tokenizer.json again";

class Reading {
public:
    Reading(PostProcessor& result, const std::function<bool(std::int64_t)>& isToken)
        : result_(result), isToken_(isToken) {}

    void read(const JsonFields& step, int depth) {
        const std::string type = step.text("type");
        if (type == "Sequence") {
            forEachStep(step, "processors", depth, [&](const JsonFields& inner) { read(inner, depth + 1); });
        } else if (type == "ByteLevel") {
            if (!step.flagOr("trim_offsets", true)) return;
            result_.trimsOffsets = true;
            result_.keepsFirstSpace = step.flagOr("add_prefix_space", true);
        } else if (type == "TemplateProcessing") {
            readTemplate(step);
        } else {
            step.refuse(
                "type",
                "is " + printable(type, 40) + ", and TemplateProcessing, ByteLevel and Sequence are read",
                kReadable);
        }
    }

private:
    // {"single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"<s>": {"ids": [1]}}}
    void readTemplate(const JsonFields& step) {
        const nlohmann::json& single = step.at("single");
        if (!single.is_array()) step.refuse("single", "is not a list", kDamaged);
        bool seenText = false;
        for (const nlohmann::json& item : single) {
            if (item.is_object() && item.contains("Sequence")) {
                if (seenText) step.refuse("single", "has the text twice", kReadable);
                seenText = true;
            } else if (item.is_object() && item.contains("SpecialToken") &&
                       item["SpecialToken"].is_object()) {
                const JsonFields token(item["SpecialToken"], step.file(),
                                       step.prefix() + "single.SpecialToken.");
                readIds(step.object("special_tokens").object(token.text("id").c_str()),
                        seenText ? result_.after : result_.before);
            } else {
                step.refuse("single", "has an entry that is neither Sequence nor SpecialToken", kDamaged);
            }
        }
        if (!seenText) step.refuse("single", "has no place for the text", kReadable);
    }
    void readIds(const JsonFields& token, std::vector<TokenId>& ids) const {
        const nlohmann::json& list = token.at("ids");
        if (!list.is_array()) token.refuse("ids", "is not a list", kDamaged);
        for (const nlohmann::json& id : list) {
            const bool inRange = id.is_number_unsigned() && id.get<std::uint64_t>() < kMostTokenIds;
            if (!inRange || !isToken_(id.get<std::int64_t>()))
                token.refuse("ids", "has an id that is no token", kDamaged);
            ids.emplace_back(id.get<std::int32_t>());
        }
    }

    PostProcessor& result_;
    const std::function<bool(std::int64_t)>& isToken_;
};

}  // namespace

PostProcessor::PostProcessor(const JsonFields& tokenizer, const std::function<bool(std::int64_t)>& isToken) {
    if (tokenizer.has("post_processor")) Reading(*this, isToken).read(tokenizer.object("post_processor"), 0);
}

ByteRange withoutSpaces(ByteRange range, std::string_view text, std::string_view spelled, bool keepsFirst) {
    std::vector<bool> isSpace;
    for (std::size_t i = 0; i < spelled.size();) {
        const Utf8Char c = utf8At(spelled, i);
        isSpace.push_back(c.wellFormed && (c.codePoint == kSpaceLetter || isWhiteSpace(c.codePoint)));
        i += c.length;
    }
    auto leading = std::find(isSpace.begin(), isSpace.end(), false) - isSpace.begin();
    auto trailing = std::find(isSpace.rbegin(), isSpace.rend(), false) - isSpace.rbegin();
    if (keepsFirst && leading == 1) leading = 0;
    const auto inside = [&](std::int64_t byte) {  // a character
        return byte < range.end &&
               (static_cast<std::uint8_t>(text[static_cast<std::size_t>(byte)]) & 0xC0U) == 0x80;
    };
    for (; leading > 0 && range.begin < range.end; --leading)
        while (inside(++range.begin)) {
        }
    for (; trailing > 0 && range.begin < range.end; --trailing) {
        --range.end;
        while (range.begin < range.end &&
               (static_cast<std::uint8_t>(text[static_cast<std::size_t>(range.end)]) & 0xC0U) == 0x80)
            --range.end;
    }
    return range;
}

}  // namespace fluxscope
