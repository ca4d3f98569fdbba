#include "engine/tokenizer/detail/splitter.h"

#include "engine/tokenizer/utf8.h"

namespace fluxscope {
namespace {

// Takes the parts of a text in order, matches and what lies between, and joins them to pieces. One part is held back, because
// the next may belong to it.
class Joiner {
public:
    Joiner(Behavior behavior, const Splitter::Piece& piece) : behavior_(behavior), piece_(piece) {}

    void part(std::size_t begin, std::size_t end, bool isMatch) {
        if (behavior_ == Behavior::Removed) {
            if (!isMatch) hand(begin, end);
            return;
        }
        const bool joins = holds_ && (behavior_ == Behavior::MergedWithPrevious ? isMatch && !heldIsMatch_
                                      : behavior_ == Behavior::MergedWithNext   ? !isMatch && heldIsMatch_
                                      : behavior_ == Behavior::Contiguous       ? isMatch == heldIsMatch_
                                                                                : false);
        if (!joins) {
            flush();
            begin_ = begin;
        }
        end_ = end;
        heldIsMatch_ = isMatch;
        holds_ = true;
    }
    void flush() {
        if (holds_) hand(begin_, end_);
        holds_ = false;
    }

private:
    void hand(std::size_t begin, std::size_t end) const {
        if (begin < end) piece_(begin, end);
    }

    Behavior behavior_;
    const Splitter::Piece& piece_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool heldIsMatch_ = false;
    bool holds_ = false;
};

}  // namespace

void Splitter::splitWellFormed(std::string_view text, const Piece& piece) const {
    Joiner joiner(behavior_, piece);
    std::size_t done = 0;
    Expression::Matches matches(expression_, text);
    while (const auto match = matches.next()) {
        if (match->first > done) joiner.part(done, match->first, invert_);
        joiner.part(match->first, match->second, !invert_);
        done = match->second;
    }
    if (done < text.size()) joiner.part(done, text.size(), invert_);
    joiner.flush();
}

void Splitter::split(std::string_view text, const Piece& piece) const {
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = endOfWellFormed(text, begin);
        if (end == begin) {
            const std::size_t next = endOfIllFormed(text, begin);
            piece(begin, next);
            begin = next;
            continue;
        }
        splitWellFormed(text.substr(begin, end - begin),
                        [&](std::size_t from, std::size_t to) { piece(begin + from, begin + to); });
        begin = end;
    }
}

}  // namespace fluxscope
