// The tokens that tokenizer.json adds to its model's: found in text as they stand, before anything is cut or merged.
#pragma once

#include "engine/checkpoint/json_file.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

struct AddedToken {
    std::int32_t id = 0;
    std::string content;
    bool special = false;
    bool normalized = false;  // found in normalized text, in its own normalized form
    bool singleWord = false;  // not inside a word
    bool lstrip = false;      // takes the white space before it along
    bool rstrip = false;
};

// The field added_tokens; none when it is absent.
std::vector<AddedToken> readAddedTokens(const JsonFields& tokenizer);

// Finds tokens in text: the leftmost, and of those that start there the longest.
class TokenFinder {
public:
    // `spelling`: what to look for, the token's content or its normalized form. The first of two equal ones stays.
    void add(const AddedToken& token, std::string_view spelling);

    // Calls `plain` for the text between and `added` for each token, with their places.
    using Plain = std::function<void(std::size_t begin, std::size_t end)>;
    using Added = std::function<void(const AddedToken& token, std::size_t begin, std::size_t end)>;
    void split(std::string_view text, const Plain& plain, const Added& added) const;

private:
    struct Node {
        int token = -1;
        std::map<char, std::size_t> next;
    };
    struct Found {
        int token = -1;
        std::size_t end = 0;
    };
    Found longestAt(std::string_view text, std::size_t begin) const;

    std::vector<AddedToken> tokens_;
    std::vector<Node> nodes_{Node{}};
};

}  // namespace fluxscope
