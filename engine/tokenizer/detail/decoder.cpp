#include "engine/tokenizer/detail/decoder.h"

#include "engine/contract/error.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/detail/steps.h"
#include "engine/tokenizer/utf8.h"

#include <charconv>
#include <utility>

namespace fluxscope {
namespace {

const char* const kRemedy = "use a tokenizer.json of the GPT-2, Llama, Mistral or Qwen kind";

std::string withReplaced(const std::string& text, std::string_view pattern, std::string_view content) {
    std::string result;
    std::size_t done = 0;
    for (std::size_t at = text.find(pattern); at != std::string::npos; at = text.find(pattern, done)) {
        result.append(text, done, at - done).append(content);
        done = at + pattern.size();
    }
    return result.append(text, done);
}

std::string fromLetters(std::string token) {
    if (auto bytes = bytesOfLetters(token)) return *std::move(bytes);
    return token;
}

// <0x0A> is that byte.
std::string fromByteToken(std::string token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return token;
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
    if (error != std::errc{} || end != token.data() + 5) return token;
    return std::string(1, static_cast<char>(byte));
}

std::string stripped(std::string_view text, std::string_view what, std::size_t atStart, std::size_t atEnd) {
    for (; atStart > 0 && text.starts_with(what); --atStart) text.remove_prefix(what.size());
    for (; atEnd > 0 && text.ends_with(what); --atEnd) text.remove_suffix(what.size());
    return std::string(text);
}

}  // namespace

Decoder::Decoder(const JsonFields& tokenizer, bool byteLevel) {
    if (tokenizer.has("decoder"))
        read(tokenizer.object("decoder"), 0);
    else if (byteLevel)
        steps_.emplace_back(fromLetters);
}

void Decoder::require(bool holds, const JsonFields& step, const char* problem) const {
    if (!holds) step.refuse("type", problem, kRemedy);
}

void Decoder::read(const JsonFields& step, int depth) {
    const std::string type = step.text("type");
    if (type == "Sequence") {
        forEachStep(step, "decoders", depth, [&](const JsonFields& inner) { read(inner, depth + 1); });
    } else if (type == "Fuse") {
        fused_ = true;
    } else if (type == "Strip") {
        const std::string content = step.text("content");
        if (content.empty() || utf8At(content, 0).length != content.size())
            step.refuse("content", "is not one character", kRemedy);
        const auto atStart = static_cast<std::size_t>(step.integer("start", 0, 1 << 20));
        const auto atEnd = static_cast<std::size_t>(step.integer("stop", 0, 1 << 20));
        if (!fused_) {
            require(!bytes_, step, "is Strip between bytes, which is read behind Fuse only");
            steps_.emplace_back([content, atStart, atEnd](const std::string& text) {
                return stripped(text, content, atStart, atEnd);
            });
            return;
        }
        if (atEnd > 0)
            step.refuse("stop", "is not 0: what a text ends with is not known while it grows", kRemedy);
        require(start_.times == 0, step, "is a second Strip behind Fuse, and one is read");
        start_ = {content, atStart};
    } else {
        require(!fused_, step, "works on tokens but stands behind Fuse, where only Strip is read");
        if (type == "ByteFallback") {
            require(!bytes_, step, "is ByteFallback among bytes already");
            steps_.emplace_back(fromByteToken);
            bytes_ = true;
        } else if (type == "ByteLevel") {
            require(!bytes_, step, "is ByteLevel among bytes already");
            steps_.emplace_back(fromLetters);
            bytes_ = true;
        } else if (type == "Replace") {
            require(!bytes_, step, "is Replace between bytes, which is read before ByteFallback only");
            std::string pattern = step.object("pattern").text("String");
            if (pattern.empty()) step.refuse("pattern", "is empty: it would be found everywhere", kRemedy);
            steps_.emplace_back(
                [pattern = std::move(pattern), content = step.text("content")](const std::string& text) {
                    return withReplaced(text, pattern, content);
                });
        } else if (type == "Metaspace") {
            require(steps_.empty(), step, "is Metaspace behind another step, and is read as the first only");
            const Metaspace metaspace(step);
            steps_.emplace_back([mark = metaspace.replacement](const std::string& text) {
                return withReplaced(text, mark, " ");
            });
            if (metaspace.prepend != Metaspace::Prepend::Never) metaspace_ = metaspace;
        } else {
            step.refuse("type",
                        "is " + printable(type, 40) +
                            ", and ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip and Sequence are "
                            "read",
                        kRemedy);
        }
    }
}

std::string Decoder::bytesOf(std::string_view token) const {
    std::string text(token);
    for (const Step& step : steps_) text = step(std::move(text));
    return text;
}

std::optional<std::string> Decoder::bytesAtStart(std::string_view token) const {
    if (!metaspace_ || token.find(metaspace_->replacement) == std::string_view::npos) return std::nullopt;
    std::string text = withReplaced(std::string(token), metaspace_->replacement, "");
    for (std::size_t i = 1; i < steps_.size(); ++i) text = steps_[i](std::move(text));
    return text;
}

}  // namespace fluxscope
