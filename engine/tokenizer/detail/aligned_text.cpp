#include "engine/tokenizer/detail/aligned_text.h"

#include "engine/tokenizer/utf8.h"

namespace fluxscope {

void AlignedText::copy(const AlignedView& from, std::size_t begin, std::size_t end) {
    text_ += from.text.substr(begin, end - begin);
    if (from.sources)
        sources_.insert(sources_.end(), from.sources + begin, from.sources + end);
    else
        for (std::size_t i = begin; i < end; ++i) sources_.push_back(from.sourceAt(i));
}

void AlignedText::put(std::string_view bytes, Source source) {
    text_ += bytes;
    sources_.insert(sources_.end(), bytes.size(), source);
}

void AlignedText::putChar(char32_t c, Source source) {
    const std::size_t before = text_.size();
    appendUtf8(text_, c);
    sources_.insert(sources_.end(), text_.size() - before, source);
}

}  // namespace fluxscope
