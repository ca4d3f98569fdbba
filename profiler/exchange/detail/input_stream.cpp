#include "profiler/exchange/detail/input_stream.h"

#include "engine/contract/error.h"

#include <zlib.h>

#include <string>
#include <system_error>
#include <utility>

namespace fluxscope {
namespace {

constexpr std::size_t kBuffer = 1 << 18;

}  // namespace

void InputStream::Close::operator()(gzFile_s* file) const { gzclose(file); }

InputStream::InputStream(std::filesystem::path file, Unit unit)
    : file_(std::move(file)), unit_(unit), buffer_(kBuffer) {
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(file_, unknown))
        throw InputError{file_.string(), "", "does not exist, or is not a file", "check the path"};
    in_.reset(gzopen(file_.c_str(), "rb"));
    if (in_ == nullptr)
        throw InputError{file_.string(), "", "cannot be opened for reading", "look at its permissions"};
    size_ = static_cast<double>(std::filesystem::file_size(file_, unknown));
    gzbuffer(in_.get(), kBuffer);
}

double InputStream::share() const { return size_ > 0 ? static_cast<double>(gzoffset(in_.get())) / size_ : 0; }

InputStream::int_type InputStream::underflow() {
    const int got = gzread(in_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
    int state = Z_OK;
    const char* const why = gzerror(in_.get(), &state);
    if (got < 0 || (got == 0 && state != Z_OK && state != Z_STREAM_END)) {
        throw InputError{file_.string(), "", "ends in the middle or is damaged (" + printable(why) + ")",
                         "copy it again from where it was recorded"};
    }
    if (got == 0) return traits_type::eof();
    const auto bytes = static_cast<std::size_t>(got);
    watch(bytes);
    setg(buffer_.data(), buffer_.data(), buffer_.data() + bytes);
    return traits_type::to_int_type(buffer_.front());
}

// What a parser would have to hold at once.
void InputStream::watch(std::size_t bytes) {
    std::size_t longest = length_;
    for (std::size_t i = 0; i < bytes; ++i) {
        const char c = buffer_[i];
        if (unit_ == Unit::Line) {
            length_ = c == '\n' ? 0 : length_ + 1;
        } else if (escaped_) {
            escaped_ = false;
        } else if (c == '"') {
            insideText_ = !insideText_;
            length_ = 0;
        } else if (insideText_) {
            escaped_ = c == '\\';
            ++length_;
        } else {
            // Digits of a number are held too; white space is not worth telling apart.
            const bool between = c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' ||
                                 c == ' ' || c == '\n' || c == '\t' || c == '\r';
            length_ = between ? 0 : length_ + 1;
        }
        if (length_ > longest) longest = length_;
    }
    if (longest > kLongest) {
        throw InputError{file_.string(), unit_ == Unit::Line ? "a line" : "a text",
                         "is longer than " + std::to_string(kLongest >> 20) + " MiB",
                         "give a file that was recorded, not one that was made to hurt"};
    }
}

}  // namespace fluxscope
