#include "engine/tokenizer/utf8.h"

namespace fluxscope {

Utf8Char utf8At(std::string_view text, std::size_t position) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[position + i]); };
    const std::size_t left = text.size() - position;
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return {lead, 1, true, false};

    std::size_t length = 0;
    std::uint8_t least =
        0x80;  // of the second byte: rules out overlong forms, surrogates, and what is beyond U+10FFFF
    std::uint8_t most = 0xBF;
    char32_t code = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
        code = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        code = lead & 0x0FU;
        if (lead == 0xE0) least = 0xA0;
        if (lead == 0xED) most = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        code = lead & 0x07U;
        if (lead == 0xF0) least = 0x90;
        if (lead == 0xF4) most = 0x8F;
    } else {
        return {0, 1, false, false};
    }
    for (std::size_t i = 1; i < length; ++i) {
        if (i == left) return {0, i, false, true};
        if (byte(i) < least || byte(i) > most) return {0, i, false, false};
        code = code << 6U | (byte(i) & 0x3FU);
        least = 0x80;
        most = 0xBF;
    }
    return {code, length, true, false};
}

std::size_t endOfWellFormed(std::string_view text, std::size_t begin) {
    std::size_t end = begin;
    while (end < text.size()) {
        const Utf8Char c = utf8At(text, end);
        if (!c.wellFormed) break;
        end += c.length;
    }
    return end;
}

std::size_t endOfIllFormed(std::string_view text, std::size_t begin) {
    std::size_t end = begin;
    while (end < text.size()) {
        const Utf8Char c = utf8At(text, end);
        if (c.wellFormed) break;
        end += c.length;
    }
    return end;
}

void appendUtf8(std::string& text, char32_t c) {
    const auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | c >> 6U);
        put(0x80 | (c & 0x3FU));
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12U);
        put(0x80 | (c >> 6U & 0x3FU));
        put(0x80 | (c & 0x3FU));
    } else {
        put(0xF0 | c >> 18U);
        put(0x80 | (c >> 12U & 0x3FU));
        put(0x80 | (c >> 6U & 0x3FU));
        put(0x80 | (c & 0x3FU));
    }
}

}  // namespace fluxscope
