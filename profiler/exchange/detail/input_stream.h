// Bytes of a file that may be gzip, as a stream, and with an end to what a hostile one can make us hold: no text between quotation
// marks and no line is longer than kLongest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <streambuf>
#include <vector>

struct gzFile_s;  // NOLINT(readability-identifier-naming): zlib's

namespace fluxscope {

class InputStream : public std::streambuf {
public:
    enum class Unit : std::uint8_t { Text, Line };
    static constexpr std::size_t kLongest = 64 << 20;  // a prompt of 16 M tokens

    // Throws InputError, as reading does.
    InputStream(std::filesystem::path file, Unit unit);

    // How far, of the file as it lies on the disk: 0..1.
    double share() const;

protected:
    int_type underflow() override;

private:
    struct Close {
        void operator()(gzFile_s* file) const;
    };
    void watch(std::size_t bytes);

    std::filesystem::path file_;
    Unit unit_;
    std::unique_ptr<gzFile_s, Close> in_;
    std::vector<char> buffer_;
    double size_ = 0;
    std::size_t length_ = 0;  // of the text or line in progress
    bool insideText_ = false;
    bool escaped_ = false;
};

}  // namespace fluxscope
