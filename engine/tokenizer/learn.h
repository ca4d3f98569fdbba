// Learns a byte-level byte-pair encoding from text, and writes it as a standard tokenizer.json that Hugging Face `tokenizers`
// reads too: text is cut by Qwen's expression, each digit a piece of its own; the merges are those that `tokenizers`' own
// BpeTrainer learns from the same text (tests/train/bpe_oracle.py), ties included: of pairs seen equally often, the one whose
// tokens are older.
//
// Ids: the 256 bytes in the order of their letters (byte_alphabet.h), the merges, the special tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

class BpeLearner {
public:
    BpeLearner();
    ~BpeLearner();
    BpeLearner(const BpeLearner&) = delete;
    BpeLearner& operator=(const BpeLearner&) = delete;

    // Counts the pieces of a text, which no merge crosses; texts do not join. Any bytes.
    void read(std::string_view text);

    // tokenizer.json with exactly `vocabulary` ids. Throws UsageError when bytes and special tokens alone are more, InputError
    // when the text has too few pairs to merge.
    std::string learn(std::int64_t vocabulary, const std::vector<std::string>& specials) const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace fluxscope
