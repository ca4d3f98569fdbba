// The post-processor of tokenizer.json: the tokens around a text, and whether tokens' places leave white space out.
#pragma once

#include "engine/checkpoint/json_file.h"
#include "engine/contract/byte_range.h"
#include "engine/contract/index.h"

#include <functional>
#include <string_view>
#include <vector>

namespace fluxscope {

struct PostProcessor {
    std::vector<TokenId> before;
    std::vector<TokenId> after;
    bool trimsOffsets = false;     // ByteLevel's trim_offsets
    bool keepsFirstSpace = false;  // its add_prefix_space: one space before the first token is not the text's

    PostProcessor() = default;
    // `tokenizer` is the whole file; its field post_processor may be absent, TemplateProcessing, ByteLevel, or a Sequence of
    // them. `isToken` says whether an id has a token.
    PostProcessor(const JsonFields& tokenizer, const std::function<bool(std::int64_t id)>& isToken);
};

// A token's place without the white space that it begins and ends with: `spelled` is the token, "Ġ" a space of it. A character
// of it counts as one of the text. `keepsFirst`: a single space at its begin stays.
ByteRange withoutSpaces(ByteRange range, std::string_view text, std::string_view spelled, bool keepsFirst);

}  // namespace fluxscope
