// The normalizer of tokenizer.json: what is done to a text before it is cut and merged.
#pragma once

#include "engine/checkpoint/json_file.h"
#include "engine/tokenizer/detail/aligned_text.h"

#include <functional>
#include <vector>

namespace fluxscope {

class Normalizer {
public:
    // `tokenizer` is the whole file; its field normalizer may be absent, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace,
    // Strip, or a Sequence of them.
    explicit Normalizer(const JsonFields& tokenizer);

    // The normalized text: `text` itself where nothing changes, else a view of `storage`.
    AlignedView normalize(const AlignedView& text, AlignedText& storage) const;

private:
    // False, and the result untouched, where the text stays as it is.
    using Step = std::function<bool(const AlignedView&, AlignedText&)>;
    void read(const JsonFields& step, int depth);

    std::vector<Step> steps_;
};

// The text before whose first character `prefix` stands, as part of that character.
AlignedText prepended(const AlignedView& text, std::string_view prefix);

// Each occurrence of `pattern` replaced; false where there is none.
bool replaced(const AlignedView& text, std::string_view pattern, std::string_view content,
              AlignedText& result);

}  // namespace fluxscope
