#include "engine/tokenizer/detail/unicode.h"

#include "engine/tokenizer/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {
namespace {

// Below it every character is a starter that no other before it takes in, nor does any of its decompositions begin with one
// that is: what stands between two of them can be normalized alone.
constexpr char32_t kFirstMark = 0x300;
// No character decomposes into more (U+FDFA, into 18).
constexpr std::size_t kMostParts = 32;

struct Part {
    char32_t c = 0;
    int combiningClass = 0;
    Source source;
};

int combiningClassOf(char32_t c) {
    return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

// STABLE leaves out what Unicode excludes from composition.
std::optional<char32_t> composed(char32_t first, char32_t second) {
    std::array<utf8proc_int32_t, 3> pair{static_cast<utf8proc_int32_t>(first),
                                         static_cast<utf8proc_int32_t>(second), 0};
    if (utf8proc_normalize_utf32(pair.data(), 2,
                                 static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE)) != 1)
        return std::nullopt;
    return static_cast<char32_t>(pair[0]);
}

class Normalizing {
public:
    Normalizing(const AlignedView& text, NormalForm form)
        : text_(text),
          composes_(form == NormalForm::C || form == NormalForm::KC),
          options_(static_cast<utf8proc_option_t>(
              UTF8PROC_DECOMPOSE | (form == NormalForm::KC || form == NormalForm::KD ? UTF8PROC_COMPAT : 0))),
          // Alone these are in the form already: Latin-1 has compositions and compatibility characters.
          firstToLookAt_(form == NormalForm::C ? kFirstMark : 0x80) {}

    // Goes from one character below kFirstMark to the next.
    bool run(AlignedText& result) {
        std::size_t begin = 0;
        while (begin < text_.text.size()) {
            std::size_t end = begin;
            bool plain = true;
            while (end < text_.text.size()) {
                const Utf8Char c = utf8At(text_.text, end);
                if (end > begin && (!c.wellFormed || c.codePoint < kFirstMark)) break;
                plain = plain && (!c.wellFormed || c.codePoint < firstToLookAt_);
                end += c.length;
                if (!c.wellFormed) break;
            }
            if (!plain) segment(begin, end, result);
            begin = end;
        }
        if (changed_) result.copy(text_, copied_, text_.text.size());
        return changed_;
    }

private:
    void segment(std::size_t begin, std::size_t end, AlignedText& result) {
        decompose(begin, end);
        sortMarks();
        if (composes_) compose();
        spelled_.clear();
        for (const Part& part : parts_) appendUtf8(spelled_, part.c);
        if (spelled_ == text_.text.substr(begin, end - begin)) return;
        if (!changed_) result.reserve(text_.text.size() + text_.text.size() / 8);
        changed_ = true;
        result.copy(text_, copied_, begin);
        for (const Part& part : parts_) result.putChar(part.c, part.source);
        copied_ = end;
    }

    void decompose(std::size_t begin, std::size_t end) {
        parts_.clear();
        std::array<utf8proc_int32_t, kMostParts> pieces{};
        for (std::size_t i = begin; i < end;) {
            const Utf8Char c = utf8At(text_.text, i);
            const Source source{text_.sourceAt(i).begin, text_.sourceAt(i + c.length - 1).end};
            int boundary = 0;
            const utf8proc_ssize_t count =
                utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.codePoint), pieces.data(),
                                        pieces.size(), options_, &boundary);
            if (count < 1 || count > static_cast<utf8proc_ssize_t>(pieces.size()))
                parts_.push_back({c.codePoint, combiningClassOf(c.codePoint), source});
            else
                for (utf8proc_ssize_t k = 0; k < count; ++k) {
                    const auto piece = static_cast<char32_t>(pieces[static_cast<std::size_t>(k)]);
                    parts_.push_back({piece, combiningClassOf(piece), source});
                }
            i += c.length;
        }
    }

    void sortMarks() {
        const auto isStarter = [](const Part& part) { return part.combiningClass == 0; };
        for (auto from = parts_.begin(); from != parts_.end();) {
            const auto marks = std::find_if_not(from, parts_.end(), isStarter);
            from = std::find_if(marks, parts_.end(), isStarter);
            std::stable_sort(marks, from, [](const Part& a, const Part& b) {
                return a.combiningClass < b.combiningClass;
            });
        }
    }

    void compose() {
        std::size_t kept = 0;
        std::optional<std::size_t> starter;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            const Part part = parts_[i];
            const bool blocked =
                starter && *starter + 1 < kept && parts_[kept - 1].combiningClass >= part.combiningClass;
            if (starter && !blocked) {
                Part& base = parts_[*starter];
                if (const auto both = composed(base.c, part.c)) {
                    base.c = *both;
                    base.source = {std::min(base.source.begin, part.source.begin),
                                   std::max(base.source.end, part.source.end)};
                    continue;
                }
            }
            if (part.combiningClass == 0) starter = kept;
            parts_[kept++] = part;
        }
        parts_.resize(kept);
    }

    AlignedView text_;
    bool composes_;
    utf8proc_option_t options_;
    char32_t firstToLookAt_;
    std::vector<Part> parts_;
    std::string spelled_;
    std::size_t copied_ = 0;  // of text_, once something changed
    bool changed_ = false;
};

}  // namespace

bool isWhiteSpace(char32_t c) {
    return (c >= 0x9 && c <= 0xD) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

bool isWordCharacter(char32_t c) {
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_PC: return true;
        default:  // letters in circles and squares are alphabetic, and the two joiners belong to words
            return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
                   (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189) || c == 0x200C ||
                   c == 0x200D;
    }
}

bool normalized(const AlignedView& text, NormalForm form, AlignedText& result) {
    return Normalizing(text, form).run(result);
}

bool lowercased(const AlignedView& text, AlignedText& result) {
    bool changed = false;
    std::size_t copied = 0;
    for (std::size_t i = 0; i < text.text.size();) {
        const Utf8Char c = utf8At(text.text, i);
        const auto lower =
            c.wellFormed ? static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.codePoint)))
                         : c.codePoint;
        if (lower != c.codePoint || c.codePoint == 0x130) {
            const Source source{text.sourceAt(i).begin, text.sourceAt(i + c.length - 1).end};
            result.copy(text, copied, i);
            if (c.codePoint == 0x130)
                result.put("i\xCC\x87", source);  // the one capital whose small form is two characters
            else
                result.putChar(lower, source);
            copied = i + c.length;
            changed = true;
        }
        i += c.length;
    }
    if (changed) result.copy(text, copied, text.text.size());
    return changed;
}

}  // namespace fluxscope
