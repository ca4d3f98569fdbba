// How the model is read from its file, and what is refused there.
#include "engine/contract/error.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/detail/bpe.h"
#include "engine/tokenizer/detail/limits.h"
#include "engine/tokenizer/utf8.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace fluxscope {
namespace {

const char* const kReadable = "use a tokenizer.json of the GPT-2, Llama, Mistral or Qwen kind (BPE)";
const char* const kDamaged = "download tokenizer.json again";

std::optional<char32_t> onlyCharacterOf(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const Utf8Char c = utf8At(text, 0);
    if (!c.wellFormed || c.length != text.size()) return std::nullopt;
    return c.codePoint;
}

char32_t lastCharacterOf(std::string_view text) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<std::uint8_t>(text[last]) & 0xC0U) == 0x80) --last;
    return utf8At(text, last).codePoint;
}

// {"Ġ", "t"}, or "Ġ t" as older files have it.
std::pair<std::string, std::string> pairOf(const nlohmann::json& entry, const char* name,
                                           const JsonFields& model) {
    std::pair<std::string, std::string> pair;
    if (entry.is_string()) {
        const auto text = entry.get<std::string>();
        const std::size_t space = text.find(' ');
        if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
            model.refuse(name, "is not two tokens with a space between", kDamaged);
        pair = {text.substr(0, space), text.substr(space + 1)};
    } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
        pair = {entry[0].get<std::string>(), entry[1].get<std::string>()};
    } else {
        model.refuse(name, "is not a pair of tokens", kDamaged);
    }
    // A merge with nothing gives one of its own parts: it could be applied for ever.
    if (pair.first.empty() || pair.second.empty())
        model.refuse(name, "is a cycle: it merges a token with nothing into itself", kDamaged);
    return pair;
}

}  // namespace

Bpe::Bpe(const JsonFields& model, bool byteLevel) : byteLevel_(byteLevel) {
    if (model.textOr("type", "BPE") != "BPE")
        model.refuse("type", "is " + printable(model.text("type"), 30) + ", and only BPE is read", kReadable);
    for (const char* field : {"continuing_subword_prefix", "end_of_word_suffix"})
        if (!model.textOr(field, "").empty())
            model.refuse(field, "is set, which none of the models read here does", kReadable);
    if (model.numberOr("dropout", 0, 1, 0) != 0)
        model.refuse("dropout", "is set, and would make the same text other tokens each time", kReadable);
    readVocabulary(model);
    readUnknown(model);
    readMerges(model);
}

void Bpe::readVocabulary(const JsonFields& model) {
    const JsonFields vocabulary = model.object("vocab");
    const bool wholeWordsFirst = model.flagOr("ignore_merges", false);
    if (wholeWordsFirst) wholeWords_.emplace();
    idOfByte_.fill(-1);
    ids_.reserve(vocabulary.json().size());
    texts_.reserve(vocabulary.json().size());
    for (const auto& [text, value] : vocabulary.json().items()) {
        const auto id = static_cast<std::int32_t>(vocabulary.integer(text.c_str(), 0, kMostTokenIds - 1));
        if (const auto [same, isNew] = texts_.emplace(id, text); !isNew)
            vocabulary.refuse(
                text.c_str(),
                "has id " + std::to_string(id) + ", as has \"" + printable(same->second, 40) + "\"",
                kDamaged);
        ids_.emplace(text, id);
        endOfIds_ = std::max(endOfIds_, static_cast<std::int64_t>(id) + 1);
        if (wholeWordsFirst) {
            if (!byteLevel_)
                wholeWords_->emplace(text, id);
            else if (auto bytes = bytesOfLetters(text))
                wholeWords_->emplace(std::move(*bytes), id);
        }
        if (const auto c = onlyCharacterOf(text); c && !byteLevel_) {
            if (*c >= idOfCharacter_.size()) idOfCharacter_.resize(*c + 1, -1);
            idOfCharacter_[*c] = id;
        }
    }
    if (byteLevel_ || model.flagOr("byte_fallback", false)) readBytes(vocabulary);
}

void Bpe::readBytes(const JsonFields& vocabulary) {
    for (int byte = 0; byte < 256; ++byte) {
        std::array<char, 8> code{};
        std::snprintf(code.data(), code.size(), "<0x%02X>", static_cast<unsigned>(byte));
        const std::string name =
            byteLevel_ ? lettersOfBytes(std::string(1, static_cast<char>(byte))) : std::string(code.data());
        const auto id = idOf(name);
        if (!id && byteLevel_)
            vocabulary.refuse(name.c_str(),
                              "is missing: byte-level BPE needs a token for each of the 256 bytes",
                              kReadable);
        idOfByte_[static_cast<std::size_t>(byte)] = id.value_or(-1);
    }
}

void Bpe::readUnknown(const JsonFields& model) {
    fuseUnknown_ = model.flagOr("fuse_unk", false);
    if (!model.has("unk_token")) return;
    const std::string name = model.text("unk_token");
    unknown_ = idOf(name);
    if (!unknown_)
        model.refuse("unk_token", "is \"" + printable(name, 40) + "\", which is not in the vocabulary",
                     kDamaged);
}

void Bpe::readMerges(const JsonFields& model) {
    const nlohmann::json& list = model.at("merges");
    if (!list.is_array()) model.refuse("merges", "is not a list", kDamaged);
    merges_.reserve(list.size());
    // A merge of a byte's token or the unknown one is by no pair of characters.
    cuts_ = !byteLevel_;
    const auto isNoCharacter = [this](std::int32_t id) {
        return id == unknown_ || std::find(idOfByte_.begin(), idOfByte_.end(), id) != idOfByte_.end();
    };
    for (std::size_t rank = 0; rank < list.size(); ++rank) {
        const std::string name = "merges[" + std::to_string(rank) + "]";
        const auto [left, right] = pairOf(list[rank], name.c_str(), model);
        const auto require = [&](const std::string& text) {
            const auto id = idOf(text);
            if (!id)
                model.refuse(name.c_str(),
                             "names \"" + printable(text, 40) + "\", which is not in the vocabulary",
                             kDamaged);
            return *id;
        };
        const std::int32_t leftId = require(left);
        const std::int32_t rightId = require(right);
        if (!merges_.add(leftId, rightId, static_cast<std::int32_t>(rank), require(left + right)))
            model.refuse(name.c_str(),
                         "repeats an earlier merge of \"" + printable(left, 40) + "\" and \"" +
                             printable(right, 40) + "\"",
                         kDamaged);
        if (!byteLevel_) {
            findJoins(left, right);
            cuts_ = cuts_ && !isNoCharacter(leftId) && !isNoCharacter(rightId);
        }
    }
}

void Bpe::findJoins(std::string_view left, std::string_view right) {
    const char32_t last = lastCharacterOf(left);
    const char32_t first = utf8At(right, 0).codePoint;
    if (last < 128 && first < 128)
        joinedAscii_[last * 128 + first] = true;
    else
        joined_.insert(static_cast<std::uint64_t>(last) << 32U | first);
}

}  // namespace fluxscope
