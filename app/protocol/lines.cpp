#include "app/protocol/lines.h"

namespace fluxscope::protocol {

void LineSplitter::feed(std::string_view bytes) {
    if (begin_ > 0) {
        buffer_.erase(0, begin_);
        searched_ -= begin_;
        begin_ = 0;
    }
    buffer_ += bytes;
}

std::optional<Line> LineSplitter::next() {
    for (;;) {
        const std::size_t newline = buffer_.find('\n', searched_);
        if (newline == std::string::npos) {
            searched_ = buffer_.size();
            if (buffer_.size() - begin_ > longest_) dropping_ = true;
            if (dropping_) {
                buffer_.clear();
                begin_ = searched_ = 0;
            }
            return std::nullopt;
        }
        Line line;
        line.tooLong = dropping_ || newline - begin_ > longest_;
        if (!line.tooLong) line.text = buffer_.substr(begin_, newline - begin_);
        if (!line.text.empty() && line.text.back() == '\r') line.text.pop_back();
        dropping_ = false;
        begin_ = searched_ = newline + 1;
        const bool blank = line.text.find_first_not_of(" \t") == std::string::npos;
        if (line.tooLong || !blank) return line;
    }
}

}  // namespace fluxscope::protocol
