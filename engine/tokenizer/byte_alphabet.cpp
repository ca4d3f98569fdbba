#include "engine/tokenizer/byte_alphabet.h"

#include "engine/tokenizer/utf8.h"

#include <array>

namespace fluxscope {
namespace {

constexpr bool standsForItself(int byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

constexpr std::array<char32_t, 256> kLetters = [] {
    std::array<char32_t, 256> letters{};
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte)
        letters[static_cast<std::size_t>(byte)] =
            standsForItself(byte) ? static_cast<char32_t>(byte) : next++;
    return letters;
}();

// -1: not a letter of the alphabet.
constexpr std::array<int, 0x144> kBytes = [] {
    std::array<int, 0x144> bytes{};
    bytes.fill(-1);
    for (int byte = 0; byte < 256; ++byte) bytes[kLetters[static_cast<std::size_t>(byte)]] = byte;
    return bytes;
}();

}  // namespace

char32_t letterOfByte(std::uint8_t byte) { return kLetters[byte]; }

std::optional<std::string> bytesOfLetters(std::string_view letters) {
    std::string bytes;
    for (std::size_t i = 0; i < letters.size();) {
        const Utf8Char c = utf8At(letters, i);
        if (!c.wellFormed || c.codePoint >= kBytes.size() || kBytes[c.codePoint] < 0) return std::nullopt;
        bytes.push_back(static_cast<char>(kBytes[c.codePoint]));
        i += c.length;
    }
    return bytes;
}

std::string lettersOfBytes(std::string_view bytes) {
    std::string letters;
    for (const char byte : bytes) appendUtf8(letters, letterOfByte(static_cast<std::uint8_t>(byte)));
    return letters;
}

}  // namespace fluxscope
