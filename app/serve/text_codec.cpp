#include "app/serve/engine_host.h"
#include "engine/tokenizer/tokenizer.h"

namespace fluxscope {

struct TextCodec::Parts {
    Tokenizer tokenizer;
};

TextCodec::TextCodec(const std::filesystem::path& modelFolder)
    : parts_(new Parts{Tokenizer::load(modelFolder / "tokenizer.json")}) {}

TextCodec::~TextCodec() = default;

TextCodec::Encoded TextCodec::encode(std::string_view text, bool addSpecial) const {
    Encoding encoding = parts_->tokenizer.encode(text, addSpecial);
    return {std::move(encoding.ids), std::move(encoding.ranges)};
}

std::string TextCodec::decode(const std::vector<TokenId>& ids) const { return parts_->tokenizer.decode(ids); }

}  // namespace fluxscope
