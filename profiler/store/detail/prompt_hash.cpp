#include "profiler/store/detail/prompt_hash.h"

#include <cstdint>

namespace fluxscope {
namespace {

class Fnv128 {
public:
    void add(std::uint8_t byte) {
        state_ ^= byte;
        state_ *= kPrime;
    }
    std::string hex() const {
        std::string digits;
        for (int shift = 124; shift >= 0; shift -= 4) {
            digits += "0123456789abcdef"[static_cast<unsigned>(state_ >> shift) & 0xF];
        }
        return digits;
    }

private:
    __extension__ using Word = unsigned __int128;
    static constexpr Word kPrime = (Word{1} << 88) + 0x13B;

    Word state_ = (Word{0x6C62272E07BB0142} << 64) + 0x62B821756295C58D;
};

}  // namespace

std::string promptHash(std::string_view text, std::span<const TokenId> ids) {
    Fnv128 hash;
    for (const char c : text) hash.add(static_cast<std::uint8_t>(c));
    if (text.empty()) {
        for (const TokenId id : ids) {
            const auto value = static_cast<std::uint32_t>(id.value());
            for (int shift = 0; shift < 32; shift += 8) hash.add(static_cast<std::uint8_t>(value >> shift));
        }
    }
    return hash.hex();
}

}  // namespace fluxscope
