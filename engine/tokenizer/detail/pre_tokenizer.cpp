#include "engine/tokenizer/detail/pre_tokenizer.h"

#include "engine/contract/error.h"
#include "engine/tokenizer/detail/normalizer.h"
#include "engine/tokenizer/detail/steps.h"

#include <optional>
#include <utility>

namespace fluxscope {
namespace {

const char* const kRemedy = "use a tokenizer.json of the GPT-2, Llama, Mistral or Qwen kind";
const char* const kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

Behavior behaviorOf(const JsonFields& step, const char* otherwise) {
    const std::string name = step.textOr("behavior", otherwise);
    if (name == "Isolated") return Behavior::Isolated;
    if (name == "Removed") return Behavior::Removed;
    if (name == "MergedWithPrevious") return Behavior::MergedWithPrevious;
    if (name == "MergedWithNext") return Behavior::MergedWithNext;
    if (name == "Contiguous") return Behavior::Contiguous;
    step.refuse("behavior",
                "is " + printable(name, 30) +
                    ", and Isolated, Removed, MergedWithPrevious, MergedWithNext and Contiguous are read",
                kRemedy);
}

// Steps that are no more than a Split by an expression of their own.
std::optional<Splitter> splitterOf(const std::string& type, const JsonFields& step) {
    const auto by = [&step](const char* expression, Behavior behavior) {
        return Splitter(Expression(expression, false, step), behavior, false);
    };
    if (type == "Split") {
        const JsonFields pattern = step.object("pattern");
        const bool literal = pattern.has("String");
        return Splitter(Expression(pattern.text(literal ? "String" : "Regex"), literal, step),
                        behaviorOf(step, ""), step.flagOr("invert", false));
    }
    if (type == "Digits")
        return by(R"(\p{N})",
                  step.flagOr("individual_digits", false) ? Behavior::Isolated : Behavior::Contiguous);
    if (type == "Punctuation") return by(R"([!-/:-@\[-`{-~\p{P}])", behaviorOf(step, "Isolated"));
    if (type == "Whitespace")  // words, and runs of what is neither word nor space
        return Splitter(Expression(R"([\w\x{200c}\x{200d}]+|[^\w\x{200c}\x{200d}\s]+)", false, step),
                        Behavior::Removed, true);
    if (type == "WhitespaceSplit") return by(R"(\s)", Behavior::Removed);
    return std::nullopt;
}

}  // namespace

PreTokenizer::PreTokenizer(const JsonFields& tokenizer) {
    if (tokenizer.has("pre_tokenizer")) read(tokenizer.object("pre_tokenizer"), 0);
}

void PreTokenizer::read(const JsonFields& step, int depth) {
    const std::string type = step.text("type");
    // After ByteLevel a text is letters that stand for bytes, which no file of these families cuts further.
    if (byteLevel_)
        step.refuse("type", "comes after ByteLevel, which is read as the last step only", kRemedy);
    if (type == "Sequence") {
        forEachStep(step, "pretokenizers", depth, [&](const JsonFields& inner) { read(inner, depth + 1); });
    } else if (std::optional<Splitter> splitter = splitterOf(type, step)) {
        steps_.emplace_back(std::move(*splitter));
    } else if (type == "Metaspace") {
        steps_.emplace_back(Metaspace(step));
        if (std::get<Metaspace>(steps_.back()).split) {
            // What it cuts at, it has put there itself.
            const std::string& mark = std::get<Metaspace>(steps_.back()).replacement;
            steps_.emplace_back(Splitter(Expression(mark, true, step), Behavior::MergedWithNext, false));
        }
    } else if (type == "ByteLevel") {
        if (step.flagOr("add_prefix_space", false)) steps_.emplace_back(PrefixSpace{});
        if (step.flagOr("use_regex", true))
            steps_.emplace_back(Splitter(Expression(kGpt2, false, step), Behavior::Isolated, false));
        byteLevel_ = true;
    } else {
        step.refuse("type",
                    "is " + printable(type, 40) +
                        ", and Split, ByteLevel, Digits, Metaspace, Punctuation, Whitespace, WhitespaceSplit "
                        "and Sequence are read",
                    kRemedy);
    }
}

void PreTokenizer::splitFrom(std::size_t stage, const AlignedView& text, const Piece& piece) const {
    if (text.text.empty()) return;
    if (stage == steps_.size()) return piece(text);
    if (const auto* splitter = std::get_if<Splitter>(&steps_[stage])) {
        splitter->split(text.text, [&](std::size_t begin, std::size_t end) {
            splitFrom(stage + 1, text.part(begin, end), piece);
        });
    } else if (const auto* metaspace = std::get_if<Metaspace>(&steps_[stage])) {
        AlignedText marked;
        AlignedView view = replaced(text, " ", metaspace->replacement, marked) ? marked.view() : text;
        // The start of the whole text, not of a part behind an added token.
        const bool wanted = metaspace->prepend == Metaspace::Prepend::Always ||
                            (metaspace->prepend == Metaspace::Prepend::First && text.sourceAt(0).begin == 0);
        AlignedText prefixed;
        if (wanted && !view.text.starts_with(metaspace->replacement)) {
            prefixed = prepended(view, metaspace->replacement);
            view = prefixed.view();
        }
        splitFrom(stage + 1, view, piece);
    } else if (text.text.starts_with(' ')) {
        splitFrom(stage + 1, text, piece);
    } else {
        const AlignedText prefixed = prepended(text, " ");
        splitFrom(stage + 1, prefixed.view(), piece);
    }
}

}  // namespace fluxscope
