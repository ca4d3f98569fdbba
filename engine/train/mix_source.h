// A mixture as a source of samples: text is generated or read, and tokenized, when it is asked for.
#pragma once

#include "engine/tokenizer/tokenizer.h"
#include "engine/train/mix.h"
#include "engine/train/sample.h"

#include <functional>
#include <memory>
#include <optional>

namespace fluxscope::train {

class MixSource final : public SampleSource {
public:
    // Reads the prompt sets and lists the folders. `end`: follows every text that ends; absent: nothing does. Keeps a reference
    // to the tokenizer. Throws InputError.
    MixSource(Mix mix, const Tokenizer& tokenizer, std::optional<TokenId> end);
    ~MixSource() override;

    const std::vector<std::string>& tasks() const override { return names_; }
    Sample draw(std::int32_t task, std::int64_t length, std::uint64_t seed) const override;
    std::string fingerprint() const override;

private:
    struct Read;  // what lies in files

    Mix mix_;
    const Tokenizer& tokenizer_;
    std::optional<TokenId> end_;
    tasks::TokenCounter counter_;
    std::vector<std::string> names_;
    std::vector<std::unique_ptr<Read>> read_;  // by part; absent: a generated one
};

// Text of a mixture for a tokenizer to be learned from: about `bytes`, every part the same share.
void readTextOf(const Mix& mix, std::int64_t bytes, std::uint64_t seed,
                const std::function<void(std::string_view)>& read);

}  // namespace fluxscope::train
