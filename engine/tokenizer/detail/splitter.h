// Cuts text at what an expression finds, as the pre-tokenizer "Split" and its kin do.
#pragma once

#include "engine/tokenizer/detail/expression.h"

#include <functional>
#include <string_view>

namespace fluxscope {

// What becomes of a match: a piece of its own, dropped, part of the piece before or after it, or one piece with the
// matches that touch it.
enum class Behavior { Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous };

class Splitter {
public:
    Splitter(Expression expression, Behavior behavior, bool invert)
        : expression_(std::move(expression)), behavior_(behavior), invert_(invert) {}

    using Piece = std::function<void(std::size_t begin, std::size_t end)>;
    // Hands out the pieces from left to right, none of them empty. Runs of ill-formed bytes, which no expression can be asked
    // about, are pieces of their own.
    void split(std::string_view text, const Piece& piece) const;

private:
    void splitWellFormed(std::string_view text, const Piece& piece) const;

    Expression expression_;
    Behavior behavior_;
    bool invert_;
};

}  // namespace fluxscope
