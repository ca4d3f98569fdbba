#include "engine/tokenizer/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/contract/error.h"
#include "engine/tokenizer/utf8.h"

#include <pcre2.h>

#include <array>

namespace fluxscope {
namespace {

const char* const kReadable = "use a tokenizer.json of the GPT-2, Qwen or Llama 3 kind (byte-level BPE)";
const char* const kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// White space as the expressions' own engine (Oniguruma) has it: Unicode's White_Space. PCRE2's \s also has U+180E, which
// left that set in Unicode 6.3.
const char* const kSpaces =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

std::string withUnicodeSpaces(std::string_view pattern) {
    std::string result;
    bool inClass = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) {
            const char escaped = pattern[++i];
            if (escaped == 's')
                result += inClass ? std::string(kSpaces) : "[" + std::string(kSpaces) + "]";
            else if (escaped == 'S' && !inClass)
                result += "[^" + std::string(kSpaces) + "]";
            else
                result += {'\\', escaped};
            continue;
        }
        if (pattern[i] == '[') inClass = true;
        if (pattern[i] == ']') inClass = false;
        result += pattern[i];
    }
    return result;
}

pcre2_code* codeOf(const std::shared_ptr<void>& code) { return static_cast<pcre2_code*>(code.get()); }

std::string messageOf(int error) {
    std::array<PCRE2_UCHAR, 200> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return {text.begin(), std::find(text.begin(), text.end(), PCRE2_UCHAR{0})};
}

}  // namespace

Splitter::Splitter(const std::string& pattern, bool literal, const JsonFields& where) : file_(where.file()) {
    const std::string text = literal ? pattern : withUnicodeSpaces(pattern);
    int error = 0;
    PCRE2_SIZE at = 0;
    const std::uint32_t options = PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP);
    // PCRE2 counts in its own unsigned char; the bytes are the same.
    pcre2_code* code =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &error, &at, nullptr);
    if (!code || text.empty())
        where.refuse("pattern",
                     "is not a regular expression that can be read (" +
                         (code ? "it is empty" : messageOf(error)) + ")",
                     kReadable);
    code_ = std::shared_ptr<void>(code, [](void* c) { pcre2_code_free(static_cast<pcre2_code*>(c)); });
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it fails, matching interprets
}

void Splitter::split(std::string_view text, const std::function<void(std::string_view)>& piece) const {
    const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> match(
        pcre2_match_data_create_from_pattern(codeOf(code_), nullptr), pcre2_match_data_free);
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    std::size_t done = 0;  // pieces were handed out up to here
    std::size_t from = 0;
    while (from < text.size()) {
        int found =
            pcre2_match(codeOf(code_), subject, text.size(), from, PCRE2_NO_UTF_CHECK, match.get(), nullptr);
        if (found == PCRE2_ERROR_JIT_STACKLIMIT)
            found = pcre2_match(codeOf(code_), subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                                match.get(), nullptr);
        if (found == PCRE2_ERROR_NOMATCH) break;
        if (found < 0)
            throw InputError(file_, "pre_tokenizer",
                             "has a regular expression that gives up on this text (" + messageOf(found) + ")",
                             kReadable);
        const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(match.get());
        if (ends[1] <= ends[0]) {  // an empty match cuts nothing
            from = std::max(ends[1], from) + utf8At(text, std::max(ends[1], from)).length;
            continue;
        }
        if (ends[0] > done) piece(text.substr(done, ends[0] - done));
        piece(text.substr(ends[0], ends[1] - ends[0]));
        done = from = ends[1];
    }
    if (done < text.size()) piece(text.substr(done));
}

PreTokenizer::PreTokenizer(const JsonFields& tokenizer) {
    if (!tokenizer.has("pre_tokenizer")) tokenizer.refuse("pre_tokenizer", "is missing", kReadable);
    read(tokenizer.object("pre_tokenizer"), 0);
}

void PreTokenizer::read(const JsonFields& step, int depth) {
    const std::string type = step.text("type");
    if (type == "Sequence") {
        const nlohmann::json& list = step.at("pretokenizers");
        if (!list.is_array() || depth > 8)
            step.refuse("pretokenizers", "is not a list of a few steps", kReadable);
        for (const nlohmann::json& inner : list) {
            if (!inner.is_object()) step.refuse("pretokenizers", "has an entry that is no object", kReadable);
            read(JsonFields(inner, step.file(), "pre_tokenizer.pretokenizers."), depth + 1);
        }
    } else if (type == "Split") {
        if (step.text("behavior") != "Isolated")
            step.refuse("behavior",
                        "is " + printable(step.text("behavior"), 30) + ", and only Isolated is read",
                        kReadable);
        const JsonFields pattern = step.object("pattern");
        const bool literal = pattern.has("String");
        splitters_.emplace_back(pattern.text(literal ? "String" : "Regex"), literal, step);
    } else if (type == "ByteLevel") {
        if (step.flagOr("add_prefix_space", false))
            step.refuse("add_prefix_space", "is true, and only false is read", kReadable);
        if (step.flagOr("use_regex", true)) splitters_.emplace_back(kGpt2, false, step);
    } else {
        step.refuse("type", "is " + printable(type, 40) + ", and Split, ByteLevel and Sequence are read",
                    kReadable);
    }
}

void PreTokenizer::splitFrom(std::size_t stage, std::string_view text,
                             const std::function<void(std::string_view)>& piece) const {
    if (stage == splitters_.size()) return piece(text);
    splitters_[stage].split(text, [&](std::string_view part) { splitFrom(stage + 1, part, piece); });
}

void PreTokenizer::split(std::string_view text, const std::function<void(std::string_view)>& piece) const {
    std::size_t begin = 0;
    while (begin < text.size()) {
        const bool valid = utf8At(text, begin).wellFormed;
        std::size_t end = begin;
        while (end < text.size()) {
            const Utf8Char c = utf8At(text, end);
            if (c.wellFormed != valid) break;
            end += c.length;
        }
        const std::string_view run = text.substr(begin, end - begin);
        if (valid)
            splitFrom(0, run, piece);
        else
            piece(run);
        begin = end;
    }
}

}  // namespace fluxscope
