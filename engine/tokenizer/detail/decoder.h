// The decoder of tokenizer.json: from tokens back to text.
//
// Nearly all of it works token by token, which is what makes streaming possible; what looks at the start of the text is kept
// apart. Steps that would need later tokens to know an earlier one's text are refused.
#pragma once

#include "engine/checkpoint/json_file.h"
#include "engine/tokenizer/detail/metaspace.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

// What a text loses at its start.
struct StartRule {
    std::string strip;      // this character, ...
    std::size_t times = 0;  // so often at most
};

class Decoder {
public:
    // `tokenizer` is the whole file; its field decoder may be ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip, or a
    // Sequence of them. A file without one decodes by ByteLevel if its pre-tokenizer does (`byteLevel`), else to its tokens.
    Decoder(const JsonFields& tokenizer, bool byteLevel);

    // The bytes of a token inside a text, and at its start, where Metaspace drops its marks.
    std::string bytesOf(std::string_view token) const;
    std::optional<std::string> bytesAtStart(std::string_view token) const;  // nullopt: the same
    const StartRule& start() const { return start_; }

private:
    using Step = std::function<std::string(std::string)>;
    void read(const JsonFields& step, int depth);
    void require(bool holds, const JsonFields& step, const char* problem) const;

    std::vector<Step> steps_;
    std::optional<Metaspace> metaspace_;  // the first step of steps_, if that drops marks at the start
    bool bytes_ = false;                  // after ByteLevel or ByteFallback a token is bytes, not characters
    bool fused_ = false;
    StartRule start_;
};

}  // namespace fluxscope
