#include "profiler/figure/detail/png.h"

#include <zlib.h>

#include <algorithm>

namespace fluxscope {

namespace {

void appendBigEndian(std::string& to, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(value >> shift & 0xFF);
}

void appendChunk(std::string& to, const std::string& type, const std::string& data) {
    appendBigEndian(to, static_cast<std::uint32_t>(data.size()));
    const std::string body = type + data;
    to += body;
    appendBigEndian(to, static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                                                         static_cast<uInt>(body.size()))));
}

}  // namespace

std::string pngOf(const Image& image) {
    if (!image.pixels || image.columns <= 0 || image.rows <= 0) return {};
    const std::size_t stride = static_cast<std::size_t>(image.columns) * 4;
    if (image.pixels->size() < stride * static_cast<std::size_t>(image.rows)) return {};

    std::string raw;
    raw.reserve((stride + 1) * static_cast<std::size_t>(image.rows));
    for (std::size_t row = 0; row < static_cast<std::size_t>(image.rows); ++row) {
        raw += '\0';  // filter: none
        raw.append(reinterpret_cast<const char*>(image.pixels->data()) + row * stride, stride);
    }
    uLongf packed = compressBound(static_cast<uLong>(raw.size()));
    std::string data(packed, '\0');
    if (compress2(reinterpret_cast<Bytef*>(data.data()), &packed, reinterpret_cast<const Bytef*>(raw.data()),
                  static_cast<uLong>(raw.size()), Z_BEST_COMPRESSION) != Z_OK)
        return {};
    data.resize(packed);

    std::string header;
    appendBigEndian(header, static_cast<std::uint32_t>(image.columns));
    appendBigEndian(header, static_cast<std::uint32_t>(image.rows));
    header += std::string("\x08\x06\x00\x00\x00", 5);  // 8 bits, RGBA, deflate, no filter, not interlaced

    std::string png = "\x89PNG\r\n\x1a\n";
    appendChunk(png, "IHDR", header);
    appendChunk(png, "IDAT", data);
    appendChunk(png, "IEND", {});
    return png;
}

std::string base64(const std::string& bytes) {
    static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

}  // namespace fluxscope
