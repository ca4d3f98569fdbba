// Writes protocol-buffer messages: field numbers and values in, bytes out. All of the wire format that a trace needs.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxscope::proto {

class Message {
public:
    void varint(std::uint32_t field, std::uint64_t value) {
        key(field, 0);
        raw(value);
    }
    // int64 as the format has it: two's complement, ten bytes when negative.
    void integer(std::uint32_t field, std::int64_t value) {
        varint(field, static_cast<std::uint64_t>(value));
    }
    void fixed(std::uint32_t field, std::uint64_t value) {
        key(field, 1);
        for (int byte = 0; byte < 8; ++byte) bytes_.push_back(static_cast<char>(value >> (8 * byte) & 0xFF));
    }
    void real(std::uint32_t field, double value) { fixed(field, std::bit_cast<std::uint64_t>(value)); }
    void text(std::uint32_t field, std::string_view value) {
        key(field, 2);
        raw(value.size());
        bytes_ += value;
    }
    void message(std::uint32_t field, const Message& value) { text(field, value.bytes_); }

    void append(std::string_view encoded) { bytes_ += encoded; }  // fields made elsewhere

    const std::string& bytes() const { return bytes_; }
    bool empty() const { return bytes_.empty(); }
    void clear() { bytes_.clear(); }  // keeps the memory

private:
    void key(std::uint32_t field, std::uint32_t wireType) { raw(std::uint64_t{field} << 3 | wireType); }
    void raw(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
        bytes_.push_back(static_cast<char>(value));
    }

    std::string bytes_;
};

}  // namespace fluxscope::proto
