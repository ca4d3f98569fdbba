// tokenizer.json writes bytes as printable characters, GPT-2's alphabet: a byte that is printable in Latin-1 is itself, the
// other 68 are U+0100 and on, in order. So a space is "Ġ" (U+0120) and a newline "Ċ" (U+010A).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxscope {

char32_t letterOfByte(std::uint8_t byte);
// The bytes that a token's letters stand for; nullopt when a character is no letter of the alphabet.
std::optional<std::string> bytesOfLetters(std::string_view letters);
std::string lettersOfBytes(std::string_view bytes);

}  // namespace fluxscope
