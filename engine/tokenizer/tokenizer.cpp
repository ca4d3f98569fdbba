#include "engine/tokenizer/tokenizer.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/merges.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/utf8.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace fluxscope {
namespace {

constexpr std::int64_t kMostFileBytes = std::int64_t{256} << 20;
constexpr std::int64_t kMostIds = 1 << 24;
const char* const kReadable = "use a tokenizer.json of the GPT-2, Qwen or Llama 3 kind (byte-level BPE)";
const char* const kDamaged = "download tokenizer.json again";

struct AddedToken {
    std::int32_t id = 0;
    std::string content;
    bool special = false;
};

// Finds added tokens in text: the leftmost, and of those that start there the longest.
class AddedTokens {
public:
    void add(const AddedToken& token) {
        auto& same = byFirstByte_[static_cast<std::uint8_t>(token.content.front())];
        same.push_back(token);
        std::sort(same.begin(), same.end(),
                  [](const auto& a, const auto& b) { return a.content.size() > b.content.size(); });
    }

    // Calls `plain` for the text between and `added` for each token, with their places.
    template <class Plain, class Added>
    void split(std::string_view text, Plain plain, Added added) const {
        std::size_t done = 0;
        for (std::size_t i = 0; i < text.size();) {
            const AddedToken* found = at(text.substr(i));
            if (!found) {
                ++i;
                continue;
            }
            if (i > done) plain(text.substr(done, i - done));
            added(*found, i);
            done = i += found->content.size();
        }
        if (done < text.size()) plain(text.substr(done));
    }

private:
    const AddedToken* at(std::string_view text) const {
        for (const AddedToken& token : byFirstByte_[static_cast<std::uint8_t>(text.front())])
            if (text.starts_with(token.content)) return &token;
        return nullptr;
    }
    std::array<std::vector<AddedToken>, 256> byFirstByte_;
};

// Ranges of characters that are in normal form C wherever they stand: none decomposes, combines, or joins the one before it.
constexpr std::array<std::pair<char32_t, char32_t>, 15> kAlwaysNfc = {{{0, 0x2FF},
                                                                       {0x400, 0x482},
                                                                       {0x48A, 0x52F},
                                                                       {0x2010, 0x2027},
                                                                       {0x2030, 0x205E},
                                                                       {0x20A0, 0x20C0},
                                                                       {0x2190, 0x2328},
                                                                       {0x232B, 0x27FF},
                                                                       {0x3000, 0x3029},
                                                                       {0x3041, 0x3096},
                                                                       {0x309D, 0x30FF},
                                                                       {0x4E00, 0x9FFF},
                                                                       {0xAC00, 0xD7A3},
                                                                       {0xFF01, 0xFFEF},
                                                                       {0x1F300, 0x1FAFF}}};

struct Template {
    std::vector<TokenId> before;
    std::vector<TokenId> after;
};

}  // namespace

struct Tokenizer::Parts {
    std::string file;
    std::unordered_map<std::string, std::int32_t> idOfBytes;
    std::unordered_map<std::int32_t, std::string> bytesOfId;
    std::unordered_map<std::int32_t, bool> specials;
    AddedTokens raw;         // found first
    AddedTokens normalized;  // found in what is left
    std::optional<PreTokenizer> preTokenizer;
    std::optional<Merges> merges;
    bool wholeWordsFirst = false;  // "ignore_merges"
    Template around;
    std::int64_t endOfIds = 0;
    bool wantsNfc = false;

    void requireNormalized(std::string_view text) const;
    void readModel(const JsonFields& model);
    void readMerges(const JsonFields& model,
                    const std::unordered_map<std::string, std::int32_t>& idOfLetters);
    void readAddedTokens(const JsonFields& tokenizer);
    void readTemplate(const JsonFields& processor, int depth);
    void encodePlain(std::string_view text, std::int64_t begin, Encoding& encoding) const;
};

void Tokenizer::Parts::readModel(const JsonFields& model) {
    if (model.textOr("type", "BPE") != "BPE")
        model.refuse("type", "is " + printable(model.text("type"), 30) + ", and only BPE is read", kReadable);
    for (const char* field : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
        const bool empty =
            !model.has(field) || (model.at(field).is_string() && model.at(field).get<std::string>().empty());
        if (!empty) model.refuse(field, "is set, which byte-level BPE does not do", kReadable);
    }
    if (model.flagOr("byte_fallback", false))
        model.refuse("byte_fallback", "is true, which byte-level BPE does not do", kReadable);
    wholeWordsFirst = model.flagOr("ignore_merges", false);

    const JsonFields vocabulary = model.object("vocab");
    std::unordered_map<std::string, std::int32_t> idOfLetters;
    for (const auto& [letters, value] : vocabulary.json().items()) {
        const auto id = static_cast<std::int32_t>(vocabulary.integer(letters.c_str(), 0, kMostIds - 1));
        std::string bytes = bytesOfLetters(letters);
        if (const auto [same, isNew] = bytesOfId.emplace(id, bytes); !isNew)
            vocabulary.refuse(letters.c_str(),
                              "has id " + std::to_string(id) + ", as has \"" +
                                  printable(lettersOfBytes(same->second), 40) + "\"",
                              kDamaged);
        idOfLetters.emplace(letters, id);
        idOfBytes.emplace(std::move(bytes), id);
        endOfIds = std::max(endOfIds, static_cast<std::int64_t>(id) + 1);
    }

    std::array<std::int32_t, 256> idOfByte{};
    for (int byte = 0; byte < 256; ++byte) {
        const std::string letter = lettersOfBytes(std::string(1, static_cast<char>(byte)));
        const auto found = idOfLetters.find(letter);
        if (found == idOfLetters.end())
            vocabulary.refuse(letter.c_str(),
                              "is missing: byte-level BPE needs a token for each of the 256 bytes",
                              kReadable);
        idOfByte[static_cast<std::size_t>(byte)] = found->second;
    }
    merges.emplace(idOfByte);
    readMerges(model, idOfLetters);
}

void Tokenizer::Parts::readMerges(const JsonFields& model,
                                  const std::unordered_map<std::string, std::int32_t>& idOfLetters) {
    const nlohmann::json& list = model.at("merges");
    if (!list.is_array()) model.refuse("merges", "is not a list", kDamaged);
    for (std::size_t rank = 0; rank < list.size(); ++rank) {
        const nlohmann::json& entry = list[rank];
        const std::string name = "merges[" + std::to_string(rank) + "]";
        std::string left;
        std::string right;
        if (entry.is_string()) {  // "Ġ t", as older files have it
            const auto text = entry.get<std::string>();
            const std::size_t space = text.find(' ');
            if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
                model.refuse(name.c_str(), "is not two tokens with a space between", kDamaged);
            left = text.substr(0, space);
            right = text.substr(space + 1);
        } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
            left = entry[0].get<std::string>();
            right = entry[1].get<std::string>();
        } else {
            model.refuse(name.c_str(), "is not a pair of tokens", kDamaged);
        }
        // A merge with nothing gives one of its own parts: it could be applied for ever.
        if (left.empty() || right.empty())
            model.refuse(name.c_str(), "is a cycle: it merges a token with nothing into itself", kDamaged);
        const auto idOf = [&](const std::string& letters) {
            const auto found = idOfLetters.find(letters);
            if (found == idOfLetters.end())
                model.refuse(name.c_str(),
                             "names \"" + printable(letters, 40) + "\", which is not in the vocabulary",
                             kDamaged);
            return found->second;
        };
        const std::int32_t leftId = idOf(left);
        const std::int32_t rightId = idOf(right);
        if (!merges->add(leftId, rightId, static_cast<std::int32_t>(rank), idOf(left + right)))
            model.refuse(name.c_str(),
                         "repeats an earlier merge of \"" + printable(left, 40) + "\" and \"" +
                             printable(right, 40) + "\"",
                         kDamaged);
    }
}

void Tokenizer::Parts::readAddedTokens(const JsonFields& tokenizer) {
    if (!tokenizer.has("added_tokens")) return;
    const nlohmann::json& list = tokenizer.at("added_tokens");
    if (!list.is_array()) tokenizer.refuse("added_tokens", "is not a list", kDamaged);
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!list[i].is_object())
            tokenizer.refuse("added_tokens", "has an entry that is no object", kDamaged);
        const JsonFields entry(list[i], tokenizer.file(), "added_tokens[" + std::to_string(i) + "].");
        const AddedToken token{static_cast<std::int32_t>(entry.integer("id", 0, kMostIds - 1)),
                               entry.text("content"), entry.flagOr("special", false)};
        if (token.content.empty())
            entry.refuse("content", "is empty: such a token would be found everywhere", kDamaged);
        for (const char* flag : {"single_word", "lstrip", "rstrip"})
            if (entry.flagOr(flag, false)) entry.refuse(flag, "is true, and only false is read", kReadable);
        // An added token may stand in the vocabulary too, under the same id.
        if (const auto [same, isNew] = bytesOfId.emplace(token.id, token.content);
            !isNew && same->second != token.content)
            entry.refuse(
                "id",
                "is " + std::to_string(token.id) + ", the id of \"" + printable(same->second, 40) + "\"",
                kDamaged);
        if (token.special) specials[token.id] = true;
        (entry.flagOr("normalized", !token.special) ? normalized : raw).add(token);
        endOfIds = std::max(endOfIds, static_cast<std::int64_t>(token.id) + 1);
    }
}

// {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
//  "special_tokens": {"<s>": {"ids": [1]}}}, alone or in a Sequence; ByteLevel only trims offsets, which ours never are.
void Tokenizer::Parts::readTemplate(const JsonFields& processor, int depth) {
    const std::string type = processor.text("type");
    if (type == "ByteLevel") return;
    if (type == "Sequence") {
        const nlohmann::json& list = processor.at("processors");
        if (!list.is_array() || depth > 8)
            processor.refuse("processors", "is not a list of a few steps", kReadable);
        for (const nlohmann::json& inner : list) {
            if (!inner.is_object())
                processor.refuse("processors", "has an entry that is no object", kReadable);
            readTemplate(JsonFields(inner, processor.file(), "post_processor.processors."), depth + 1);
        }
        return;
    }
    if (type != "TemplateProcessing")
        processor.refuse(
            "type", "is " + printable(type, 40) + ", and TemplateProcessing, ByteLevel and Sequence are read",
            kReadable);
    const nlohmann::json& single = processor.at("single");
    if (!single.is_array()) processor.refuse("single", "is not a list", kDamaged);
    bool seenText = false;
    for (const nlohmann::json& item : single) {
        if (item.is_object() && item.contains("Sequence")) {
            seenText = true;
        } else if (item.is_object() && item.contains("SpecialToken") && item["SpecialToken"].is_object()) {
            const std::string name =
                JsonFields(item["SpecialToken"], processor.file(), "post_processor.single.SpecialToken.")
                    .text("id");
            const JsonFields token = processor.object("special_tokens").object(name.c_str());
            const nlohmann::json& ids = token.at("ids");
            if (!ids.is_array()) token.refuse("ids", "is not a list", kDamaged);
            for (const nlohmann::json& id : ids) {
                if (!id.is_number_integer() || !bytesOfId.contains(id.get<std::int32_t>()))
                    token.refuse("ids", "has an id that is no token", kDamaged);
                (seenText ? around.after : around.before).emplace_back(id.get<std::int32_t>());
            }
        } else {
            processor.refuse("single", "has an entry that is neither Sequence nor SpecialToken", kDamaged);
        }
    }
}

Tokenizer Tokenizer::load(const std::filesystem::path& file) {
    const nlohmann::json json = readJsonObject(file, kMostFileBytes);
    const JsonFields fields(json, file.string());
    if (fields.has("normalizer") && fields.object("normalizer").text("type") != "NFC")
        fields.refuse("normalizer", "is set to something other than NFC", kReadable);
    auto parts = std::make_unique<Parts>();
    parts->file = file.string();
    parts->wantsNfc = fields.has("normalizer");
    parts->readModel(fields.object("model"));
    parts->preTokenizer.emplace(fields);
    parts->readAddedTokens(fields);
    if (fields.has("post_processor")) parts->readTemplate(fields.object("post_processor"), 0);
    return Tokenizer(std::move(parts));
}

Tokenizer::Tokenizer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;

void Tokenizer::Parts::encodePlain(std::string_view text, std::int64_t begin, Encoding& encoding) const {
    preTokenizer->split(text, [&](std::string_view piece) {
        const std::int64_t at = begin + (piece.data() - text.data());
        if (wholeWordsFirst) {
            if (const auto whole = idOfBytes.find(std::string(piece)); whole != idOfBytes.end()) {
                encoding.ids.emplace_back(whole->second);
                encoding.offsets.push_back(at);
                return;
            }
        }
        merges->encode(piece, at, encoding);
    });
}

// Nothing is normalized here: a text is taken when it surely is in normal form C already, and refused when it may not be,
// because ids of another form would be wrong silently.
void Tokenizer::Parts::requireNormalized(std::string_view text) const {
    for (std::size_t i = 0; i < text.size();) {
        const Utf8Char c = utf8At(text, i);
        const bool safe =
            !c.wellFormed || std::any_of(kAlwaysNfc.begin(), kAlwaysNfc.end(), [&](const auto& range) {
                return c.codePoint >= range.first && c.codePoint <= range.second;
            });
        if (!safe)
            throw InputError("the text", "",
                             "has \"" + std::string(text.substr(i, c.length)) + "\" at byte " +
                                 std::to_string(i) + ", which " + file +
                                 " wants normalized (NFC), and that is not done yet",
                             "leave such characters out, or give token ids");
        i += c.length;
    }
}

Encoding Tokenizer::encode(std::string_view text, bool addSpecial) const {
    if (parts_->wantsNfc) parts_->requireNormalized(text);
    Encoding encoding;
    const auto put = [&](TokenId id, std::int64_t at) {
        encoding.ids.push_back(id);
        encoding.offsets.push_back(at);
    };
    const auto textEnd = static_cast<std::int64_t>(text.size());
    if (addSpecial)
        for (const TokenId id : parts_->around.before) put(id, 0);
    parts_->raw.split(
        text,
        [&](std::string_view between) {
            parts_->normalized.split(
                between,
                [&](std::string_view plain) {
                    parts_->encodePlain(plain, plain.data() - text.data(), encoding);
                },
                [&](const AddedToken& token, std::size_t at) {
                    put(TokenId(token.id), between.data() - text.data() + static_cast<std::int64_t>(at));
                });
        },
        [&](const AddedToken& token, std::size_t at) {
            put(TokenId(token.id), static_cast<std::int64_t>(at));
        });
    if (addSpecial)
        for (const TokenId id : parts_->around.after) put(id, textEnd);
    encoding.offsets.push_back(textEnd);
    return encoding;
}

std::string_view Tokenizer::bytesOf(TokenId id) const {
    const auto found = parts_->bytesOfId.find(id.value());
    return found == parts_->bytesOfId.end() ? std::string_view{} : found->second;
}

bool Tokenizer::isSpecial(TokenId id) const { return parts_->specials.contains(id.value()); }

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
    std::string bytes;
    for (const TokenId id : ids) bytes += bytesOf(id);
    return bytes;
}

std::int64_t Tokenizer::endOfIds() const { return parts_->endOfIds; }

std::string TextStream::append(TokenId id) {
    if (tokenizer_.isSpecial(id)) return {};
    pending_ += tokenizer_.bytesOf(id);
    std::string text;
    std::size_t i = 0;
    while (i < pending_.size()) {
        const Utf8Char c = utf8At(pending_, i);
        if (c.cutOff) break;
        text +=
            c.wellFormed ? std::string_view(pending_).substr(i, c.length) : std::string_view("\xEF\xBF\xBD");
        i += c.length;
    }
    pending_.erase(0, i);
    return text;
}

std::string TextStream::finish() {
    const bool broken = !pending_.empty();
    pending_.clear();
    return broken ? "\xEF\xBF\xBD" : "";
}

}  // namespace fluxscope
