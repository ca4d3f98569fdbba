#include "engine/tokenizer/detail/normalizer.h"

#include "engine/contract/error.h"
#include "engine/tokenizer/detail/expression.h"
#include "engine/tokenizer/detail/steps.h"
#include "engine/tokenizer/detail/unicode.h"
#include "engine/tokenizer/utf8.h"

#include <memory>
#include <utility>

namespace fluxscope {
namespace {

const char* const kRemedy = "use a tokenizer.json of the GPT-2, Llama, Mistral or Qwen kind";

bool stripped(const AlignedView& text, bool left, bool right, AlignedText& result) {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool inside = false;
    for (std::size_t i = 0; i < text.text.size();) {
        const Utf8Char c = utf8At(text.text, i);
        const bool space = c.wellFormed && isWhiteSpace(c.codePoint);
        i += c.length;
        if (!space) {
            inside = true;
            end = i;
        } else if (!inside) {
            begin = i;
        }
    }
    if (!left) begin = 0;
    if (!right || !inside) end = right ? begin : text.text.size();
    if (begin == 0 && end == text.text.size()) return false;
    result.copy(text, begin, end);
    return true;
}

bool replacedMatches(const AlignedView& text, const Expression& expression, std::string_view content,
                     AlignedText& result) {
    std::size_t copied = 0;
    bool changed = false;
    for (std::size_t begin = 0; begin < text.text.size();) {
        const std::size_t end = endOfWellFormed(text.text, begin);
        Expression::Matches matches(expression, text.text.substr(begin, end - begin));
        while (const auto match = matches.next()) {
            if (match->first == match->second) continue;
            const std::size_t from = begin + match->first;
            const std::size_t to = begin + match->second;
            result.copy(text, copied, from);
            result.put(content, {text.sourceAt(from).begin, text.sourceAt(to - 1).end});
            copied = to;
            changed = true;
        }
        begin = endOfIllFormed(text.text, end);
    }
    if (changed) result.copy(text, copied, text.text.size());
    return changed;
}

}  // namespace

AlignedText prepended(const AlignedView& text, std::string_view prefix) {
    AlignedText result;
    if (text.text.empty()) return result;
    const std::size_t first = utf8At(text.text, 0).length;
    result.reserve(prefix.size() + text.text.size());
    result.put(prefix, {text.sourceAt(0).begin, text.sourceAt(first - 1).end});
    result.copy(text, 0, text.text.size());
    return result;
}

bool replaced(const AlignedView& text, std::string_view pattern, std::string_view content,
              AlignedText& result) {
    std::size_t at = text.text.find(pattern);
    if (at == std::string_view::npos) return false;
    result.reserve(text.text.size() + text.text.size() / 2);
    std::size_t copied = 0;
    for (; at != std::string_view::npos; at = text.text.find(pattern, copied)) {
        result.copy(text, copied, at);
        copied = at + pattern.size();
        result.put(content, {text.sourceAt(at).begin, text.sourceAt(copied - 1).end});
    }
    result.copy(text, copied, text.text.size());
    return true;
}

Normalizer::Normalizer(const JsonFields& tokenizer) {
    if (tokenizer.has("normalizer")) read(tokenizer.object("normalizer"), 0);
}

void Normalizer::read(const JsonFields& step, int depth) {
    const std::string type = step.text("type");
    const auto form = [this](NormalForm wanted) {
        steps_.emplace_back([wanted](const AlignedView& text, AlignedText& result) {
            return normalized(text, wanted, result);
        });
    };
    if (type == "Sequence") {
        forEachStep(step, "normalizers", depth, [&](const JsonFields& inner) { read(inner, depth + 1); });
    } else if (type == "NFC") {
        form(NormalForm::C);
    } else if (type == "NFD") {
        form(NormalForm::D);
    } else if (type == "NFKC") {
        form(NormalForm::KC);
    } else if (type == "NFKD") {
        form(NormalForm::KD);
    } else if (type == "Lowercase") {
        steps_.emplace_back(lowercased);
    } else if (type == "Prepend") {
        steps_.emplace_back([prefix = step.text("prepend")](const AlignedView& text, AlignedText& result) {
            if (text.text.empty()) return false;
            result = prepended(text, prefix);
            return true;
        });
    } else if (type == "Replace") {
        const JsonFields pattern = step.object("pattern");
        std::string content = step.text("content");
        if (pattern.has("String")) {
            std::string literal = pattern.text("String");
            if (literal.empty()) step.refuse("pattern", "is empty: it would be found everywhere", kRemedy);
            steps_.emplace_back([literal = std::move(literal), content = std::move(content)](
                                    const AlignedView& text, AlignedText& result) {
                return replaced(text, literal, content, result);
            });
        } else {
            steps_.emplace_back([expression = Expression(pattern.text("Regex"), false, step),
                                 content = std::move(content)](const AlignedView& text, AlignedText& result) {
                return replacedMatches(text, expression, content, result);
            });
        }
    } else if (type == "Strip") {
        const bool left = step.flagOr("strip_left", true);
        const bool right = step.flagOr("strip_right", true);
        steps_.emplace_back([left, right](const AlignedView& text, AlignedText& result) {
            return stripped(text, left, right, result);
        });
    } else {
        step.refuse(
            "type",
            "is " + printable(type, 40) +
                ", and NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip and Sequence are read",
            kRemedy);
    }
}

AlignedView Normalizer::normalize(const AlignedView& text, AlignedText& storage) const {
    AlignedView current = text;
    for (const Step& step : steps_) {
        AlignedText next;
        if (!step(current, next)) continue;
        storage = std::move(next);
        current = storage.view();
    }
    return current;
}

}  // namespace fluxscope
