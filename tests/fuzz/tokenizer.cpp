// tokenizer.json, then a byte 0, then a text for it.
#include "engine/tokenizer/tokenizer.h"

#include "engine/tokenizer/utf8.h"
#include "tests/fuzz/fuzzing.h"

using namespace fluxscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto [json, text] = fuzzing::twoParts(fuzzing::textOf(data, size));
    fuzzing::expectAnswerOrError([json = json, text = text] {
        const Tokenizer tokenizer = Tokenizer::parse(json, "tokenizer.json");
        const Encoding encoding = tokenizer.encode(text, true);
        fuzzing::promise(encoding.ids.size() == encoding.ranges.size(), "each token has a place");
        TextStream stream(tokenizer);
        for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
            const auto [begin, end] = encoding.ranges[i];
            fuzzing::promise(0 <= begin && begin <= end && end <= static_cast<std::int64_t>(text.size()),
                             "a token's place is in the text");
            fuzzing::promise(encoding.ids[i].value() >= 0 && encoding.ids[i].value() < tokenizer.endOfIds(),
                             "an id is below the end of ids");
            const std::string piece = stream.append(encoding.ids[i]);
            fuzzing::promise(endOfWellFormed(piece, 0) == piece.size(), "a stream never breaks a character");
        }
        stream.finish();
        tokenizer.decode(encoding.ids);
    });
    return 0;
}
