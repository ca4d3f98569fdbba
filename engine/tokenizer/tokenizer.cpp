#include "engine/tokenizer/tokenizer.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"
#include "engine/tokenizer/detail/added_tokens.h"
#include "engine/tokenizer/detail/bpe.h"
#include "engine/tokenizer/detail/decoder.h"
#include "engine/tokenizer/detail/limits.h"
#include "engine/tokenizer/detail/normalizer.h"
#include "engine/tokenizer/detail/post_processor.h"
#include "engine/tokenizer/detail/pre_tokenizer.h"
#include "engine/tokenizer/utf8.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace fluxscope {
namespace {

const char* const kDamaged = "download tokenizer.json again";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

struct Tokenizer::Parts {
    explicit Parts(const JsonFields& file);

    std::string file;
    Normalizer normalizer;
    PreTokenizer preTokenizer;
    Bpe bpe;
    Decoder decoder;
    TokenTexts texts;          // of all ids, as the file spells them
    TokenFinder raw;           // found first
    TokenFinder inNormalized;  // found in what is left, normalized
    std::unordered_set<std::int32_t> specials;
    std::unordered_map<std::int32_t, std::string> bytes;         // decoded
    std::unordered_map<std::int32_t, std::string> bytesAtStart;  // where those differ
    PostProcessor around;
    std::int64_t endOfIds = 0;

    class Encoder;
    void readAddedTokens(const JsonFields& tokenizer);
    void decodeTexts();
    const std::string* bytesOf(TokenId id, bool atStart) const;
};

Tokenizer::Parts::Parts(const JsonFields& tokenizer)
    : file(tokenizer.file()),
      normalizer(tokenizer),
      preTokenizer(tokenizer),
      bpe(tokenizer.object("model"), preTokenizer.byteLevel()),
      decoder(tokenizer, preTokenizer.byteLevel()),
      texts(bpe.texts()) {
    readAddedTokens(tokenizer);
    decodeTexts();
    around = PostProcessor(tokenizer,
                           [this](std::int64_t id) { return texts.contains(static_cast<std::int32_t>(id)); });
}

void Tokenizer::Parts::readAddedTokens(const JsonFields& tokenizer) {
    endOfIds = bpe.endOfIds();
    const std::vector<AddedToken> tokens = fluxscope::readAddedTokens(tokenizer);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const AddedToken& token = tokens[i];
        const auto refuse = [&](const std::string& problem) {
            tokenizer.refuse(("added_tokens[" + std::to_string(i) + "].id").c_str(),
                             "is " + std::to_string(token.id) + ", " + problem, kDamaged);
        };
        // An added token may stand in the vocabulary too, under the same id.
        if (const auto [same, isNew] = texts.emplace(token.id, token.content);
            !isNew && same->second != token.content)
            refuse("the id of \"" + printable(same->second, 40) + "\"");
        if (const auto id = bpe.idOf(token.content); id && *id != token.id)
            refuse("but \"" + printable(token.content, 40) + "\" has id " + std::to_string(*id) +
                   " in the vocabulary");
        if (token.special) specials.insert(token.id);
        if (token.normalized) {
            // It is decoded to what is found: "▁word" gives its space back.
            AlignedText storage;
            std::string& spelled = texts[token.id];
            spelled = normalizer.normalize({token.content, nullptr, 0}, storage).text;
            inNormalized.add(token, spelled);
        } else {
            raw.add(token, token.content);
        }
        // Its letters stand for themselves, whatever ByteLevel would make of them.
        if (preTokenizer.byteLevel()) bytes.emplace(token.id, texts.at(token.id));
        endOfIds = std::max(endOfIds, static_cast<std::int64_t>(token.id) + 1);
    }
}

void Tokenizer::Parts::decodeTexts() {
    bytes.reserve(texts.size());
    for (const auto& [id, text] : texts) {
        if (!bytes.contains(id)) bytes.emplace(id, decoder.bytesOf(text));
        if (auto atStart = decoder.bytesAtStart(text)) bytesAtStart.emplace(id, *std::move(atStart));
    }
}

const std::string* Tokenizer::Parts::bytesOf(TokenId id, bool atStart) const {
    if (atStart)
        if (const auto found = bytesAtStart.find(id.value()); found != bytesAtStart.end())
            return &found->second;
    const auto found = bytes.find(id.value());
    return found == bytes.end() ? nullptr : &found->second;
}

Tokenizer Tokenizer::load(const std::filesystem::path& file) {
    return parse(readWholeFile(file, kMostTokenizerBytes), file.string());
}

Tokenizer Tokenizer::parse(std::string_view json, const std::string& name) {
    const nlohmann::json object = parseJsonObject(json, name);
    return Tokenizer(std::make_unique<Parts>(JsonFields(object, name)));
}

Tokenizer::Tokenizer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;

// One text on its way to tokens.
class Tokenizer::Parts::Encoder {
public:
    Encoder(const Parts& parts, std::string_view text)
        : parts_(parts), text_{text, nullptr, 0}, bpe_(parts.bpe) {}

    Encoding encode() {
        parts_.raw.split(
            text_.text, [&](std::size_t begin, std::size_t end) { section(text_.part(begin, end)); },
            [&](const AddedToken& token, std::size_t begin, std::size_t end) {
                put(token.id, text_.text.substr(begin, end - begin), text_.original(begin, end));
            });
        return std::move(encoding_);
    }

private:
    // Text without added tokens that are found as they stand.
    void section(const AlignedView& original) {
        AlignedText storage;
        const AlignedView text = parts_.normalizer.normalize(original, storage);
        parts_.inNormalized.split(
            text.text,
            [&](std::size_t begin, std::size_t end) {
                parts_.preTokenizer.split(text.part(begin, end), [&](const AlignedView& p) { piece(p); });
            },
            [&](const AddedToken& token, std::size_t begin, std::size_t end) {
                put(token.id, text.text.substr(begin, end - begin), text.original(begin, end));
            });
    }
    void piece(const AlignedView& text) {
        for (const Symbol& token : bpe_.encode(text.text)) {
            const ByteRange range = text.original(token.begin, token.end);
            if (parts_.around.trimsOffsets)
                put(token.id, parts_.texts.at(token.id), range);
            else
                put(token.id, {}, range);
        }
    }
    void put(std::int32_t id, std::string_view spelled, ByteRange range) {
        if (parts_.around.trimsOffsets)
            range = withoutSpaces(range, text_.text, spelled,
                                  encoding_.ids.empty() && parts_.around.keepsFirstSpace);
        encoding_.ids.emplace_back(id);
        encoding_.ranges.push_back(range);
    }

    const Parts& parts_;
    AlignedView text_;
    Bpe::Encoder bpe_;
    Encoding encoding_;
};

Encoding Tokenizer::encode(std::string_view text, bool addSpecial) const {
    if (text.size() > std::numeric_limits<std::uint32_t>::max())
        throw UsageError("the text", "", "has " + std::to_string(text.size()) + " bytes",
                         "give less than 4 GiB");
    Encoding encoding = Parts::Encoder(*parts_, text).encode();
    if (!addSpecial) return encoding;
    const PostProcessor& around = parts_->around;
    encoding.ids.insert(encoding.ids.begin(), around.before.begin(), around.before.end());
    encoding.ranges.insert(encoding.ranges.begin(), around.before.size(), ByteRange{});
    encoding.ids.insert(encoding.ids.end(), around.after.begin(), around.after.end());
    const auto end = static_cast<std::int64_t>(text.size());
    encoding.ranges.insert(encoding.ranges.end(), around.after.size(), ByteRange{end, end});
    return encoding;
}

std::string_view Tokenizer::bytesOf(TokenId id) const {
    const std::string* bytes = parts_->bytesOf(id, false);
    return bytes ? std::string_view(*bytes) : std::string_view{};
}

bool Tokenizer::isSpecial(TokenId id) const { return parts_->specials.contains(id.value()); }

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
    std::string text;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::string* bytes = parts_->bytesOf(ids[i], i == 0);
        if (!bytes)
            throw InputError(
                "the ids", "[" + std::to_string(i) + "]",
                "is " + std::to_string(ids[i].value()) + ", for which " + parts_->file + " has no token",
                "use ids of this model's tokenizer");
        text += *bytes;
    }
    const StartRule& start = parts_->decoder.start();
    std::size_t strip = 0;
    for (std::size_t n = 0; n < start.times && text.compare(strip, start.strip.size(), start.strip) == 0; ++n)
        strip += start.strip.size();
    return text.substr(strip);
}

std::int64_t Tokenizer::endOfIds() const { return parts_->endOfIds; }

TextStream::TextStream(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer), toStrip_(tokenizer.parts_->decoder.start().times) {}

std::string TextStream::append(TokenId id) {
    if (tokenizer_.isSpecial(id)) return {};
    const std::string* bytes = tokenizer_.parts_->bytesOf(id, first_);
    if (!bytes) return {};
    first_ = false;
    pending_ += *bytes;
    std::string text;
    std::size_t i = 0;
    while (i < pending_.size()) {
        const Utf8Char c = utf8At(pending_, i);
        if (c.cutOff) break;
        const std::string_view spelled =
            c.wellFormed ? std::string_view(pending_).substr(i, c.length) : kReplacement;
        i += c.length;
        if (toStrip_ > 0 && spelled == tokenizer_.parts_->decoder.start().strip) {
            --toStrip_;
            continue;
        }
        toStrip_ = 0;
        text += spelled;
    }
    pending_.erase(0, i);
    return text;
}

std::string TextStream::finish() {
    const bool broken = !pending_.empty();
    pending_.clear();
    return broken ? std::string(kReplacement) : "";
}

}  // namespace fluxscope
