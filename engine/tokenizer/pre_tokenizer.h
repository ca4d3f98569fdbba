// Cuts text into the pieces that merges may not cross, by the regular expressions of tokenizer.json.
#pragma once

#include "engine/checkpoint/json_file.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

// One expression; what it matches and what lies between matches are pieces ("Isolated").
class Splitter {
public:
    Splitter(const std::string& pattern, bool literal, const JsonFields& where);

    void split(std::string_view text, const std::function<void(std::string_view)>& piece) const;

private:
    std::shared_ptr<void> code_;  // pcre2_code
    std::string file_;
};

class PreTokenizer {
public:
    // `tokenizer` is the whole file; its field pre_tokenizer may be Split, ByteLevel, or a Sequence of them.
    explicit PreTokenizer(const JsonFields& tokenizer);

    // Pieces of the text, in order and without gaps. Runs that are not UTF-8 are pieces of their own.
    void split(std::string_view text, const std::function<void(std::string_view)>& piece) const;

private:
    void read(const JsonFields& step, int depth);
    void splitFrom(std::size_t stage, std::string_view text,
                   const std::function<void(std::string_view)>& piece) const;

    std::vector<Splitter> splitters_;
};

}  // namespace fluxscope
