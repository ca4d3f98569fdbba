#include "engine/tokenizer/learn.h"

#include "engine/contract/error.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/detail/pre_tokenizer.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace fluxscope {
namespace {

using Symbols = std::vector<std::int32_t>;
using Pair = std::pair<std::int32_t, std::int32_t>;

struct PairHash {
    std::size_t operator()(const Pair& pair) const {
        return static_cast<std::size_t>(static_cast<std::uint64_t>(pair.first) * 0x9E3779B97F4A7C15ULL) ^
               static_cast<std::size_t>(pair.second);
    }
};

struct Word {
    Symbols symbols;
    std::int64_t times = 0;
};

// A pair and how often it is seen. What it says may be out of date: the true count stands in Merger's table, and is never higher
// without an entry of its own.
struct Candidate {
    std::int64_t times = 0;
    Pair pair;

    friend bool operator<(const Candidate& a, const Candidate& b) {
        return a.times != b.times ? a.times < b.times : a.pair > b.pair;
    }
};

class Merger {
public:
    Merger(std::vector<Word> words, std::vector<std::string> tokens)
        : words_(std::move(words)), tokens_(std::move(tokens)) {
        for (std::size_t i = 0; i < tokens_.size(); ++i)
            ids_.emplace(tokens_[i], static_cast<std::int32_t>(i));
        for (std::size_t w = 0; w < words_.size(); ++w) {
            count(words_[w], 1, counts_);
            remember(w);
        }
        for (const auto& [pair, times] : counts_) queue_.push({times, pair});
    }

    // One more merge; false when nothing is left to merge.
    bool step() {
        while (!queue_.empty()) {
            Candidate best = queue_.top();
            queue_.pop();
            const std::int64_t times = counts_[best.pair];
            if (times < 1) continue;
            if (times == best.times) {
                merge(best.pair);
                return true;
            }
            best.times = times;
            queue_.push(best);
        }
        return false;
    }

    const std::vector<std::string>& tokens() const { return tokens_; }
    const std::vector<Pair>& merges() const { return merges_; }

private:
    using Counts = std::unordered_map<Pair, std::int64_t, PairHash>;

    static void count(const Word& word, std::int64_t sign, Counts& counts) {
        for (std::size_t i = 1; i < word.symbols.size(); ++i)
            counts[{word.symbols[i - 1], word.symbols[i]}] += sign * word.times;
    }

    // Where each pair of a word is found; a word that has lost the pair since does no harm.
    void remember(std::size_t w) {
        const Symbols& symbols = words_[w].symbols;
        for (std::size_t i = 1; i < symbols.size(); ++i) {
            std::vector<std::size_t>& places = places_[{symbols[i - 1], symbols[i]}];
            if (places.empty() || places.back() != w) places.push_back(w);
        }
    }

    // Two pairs may spell the same token: it keeps its first id.
    std::int32_t tokenOf(const Pair& pair) {
        std::string text =
            tokens_[static_cast<std::size_t>(pair.first)] + tokens_[static_cast<std::size_t>(pair.second)];
        const auto [found, isNew] = ids_.emplace(text, static_cast<std::int32_t>(tokens_.size()));
        if (isNew) tokens_.push_back(std::move(text));
        return found->second;
    }

    void merge(const Pair& pair) {
        // A pair that was merged before comes back when another spelling of one of its tokens is merged: it has its rank.
        if (merged_.insert(pair).second) merges_.push_back(pair);
        const std::int32_t token = tokenOf(pair);
        std::vector<std::size_t> places = std::move(places_[pair]);
        places_.erase(pair);
        std::sort(places.begin(), places.end());
        places.erase(std::unique(places.begin(), places.end()), places.end());
        Counts changes;
        for (const std::size_t w : places) {
            count(words_[w], -1, changes);
            join(words_[w].symbols, pair, token);
            count(words_[w], 1, changes);
            remember(w);
        }
        for (const auto& [changed, times] : changes) {
            if (times == 0) continue;
            const std::int64_t now = counts_[changed] += times;
            if (times > 0) queue_.push({now, changed});
        }
    }

    static void join(Symbols& symbols, const Pair& pair, std::int32_t token) {
        std::size_t to = 0;
        for (std::size_t from = 0; from < symbols.size(); ++from, ++to) {
            const bool joins =
                from + 1 < symbols.size() && symbols[from] == pair.first && symbols[from + 1] == pair.second;
            symbols[to] = joins ? token : symbols[from];
            if (joins) ++from;
        }
        symbols.resize(to);
    }

    std::vector<Word> words_;
    std::vector<std::string> tokens_;  // in letters
    std::unordered_map<std::string, std::int32_t> ids_;
    Counts counts_;
    std::unordered_map<Pair, std::vector<std::size_t>, PairHash> places_;
    std::priority_queue<Candidate> queue_;
    std::vector<Pair> merges_;
    std::unordered_set<Pair, PairHash> merged_;
};

nlohmann::ordered_json byteLevel(bool trimOffsets) {
    return {{"type", "ByteLevel"},
            {"add_prefix_space", false},
            {"trim_offsets", trimOffsets},
            {"use_regex", false}};
}

nlohmann::ordered_json preTokenizerJson() {
    const char* const expression =
        R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    return {{"type", "Sequence"},
            {"pretokenizers",
             {{{"type", "Split"},
               {"pattern", {{"Regex", expression}}},
               {"behavior", "Isolated"},
               {"invert", false}},
              byteLevel(false)}}};
}

// In the order of their letters' code points.
std::vector<std::uint8_t> bytesInOrder() {
    std::vector<std::uint8_t> bytes(256);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
    std::sort(bytes.begin(), bytes.end(),
              [](std::uint8_t a, std::uint8_t b) { return letterOfByte(a) < letterOfByte(b); });
    return bytes;
}

nlohmann::ordered_json tokenizerJson(const Merger& learned, const std::vector<std::string>& specials) {
    nlohmann::ordered_json vocabulary;
    nlohmann::ordered_json merges = nlohmann::ordered_json::array();
    nlohmann::ordered_json added = nlohmann::ordered_json::array();
    std::int64_t id = 0;
    for (const std::string& token : learned.tokens()) vocabulary[token] = id++;
    for (const Pair& pair : learned.merges())
        merges.push_back({learned.tokens()[static_cast<std::size_t>(pair.first)],
                          learned.tokens()[static_cast<std::size_t>(pair.second)]});
    for (const std::string& special : specials)
        added.push_back({{"id", id++},
                         {"content", special},
                         {"single_word", false},
                         {"lstrip", false},
                         {"rstrip", false},
                         {"normalized", false},
                         {"special", true}});
    return {{"version", "1.0"},
            {"truncation", nullptr},
            {"padding", nullptr},
            {"added_tokens", added},
            {"normalizer", nullptr},
            {"pre_tokenizer", preTokenizerJson()},
            {"post_processor", byteLevel(false)},
            {"decoder", byteLevel(false)},
            {"model",
             {{"type", "BPE"},
              {"dropout", nullptr},
              {"unk_token", nullptr},
              {"continuing_subword_prefix", ""},
              {"end_of_word_suffix", ""},
              {"fuse_unk", false},
              {"byte_fallback", false},
              {"ignore_merges", false},
              {"vocab", vocabulary},
              {"merges", merges}}}};
}

PreTokenizer preTokenizer() {
    const nlohmann::json file = {{"pre_tokenizer", nlohmann::json::parse(preTokenizerJson().dump())}};
    return PreTokenizer(JsonFields(file, "tokenizer.json"));
}

}  // namespace

struct BpeLearner::Parts {
    PreTokenizer cut = preTokenizer();
    std::map<std::string, std::int64_t, std::less<>> pieces;
};

BpeLearner::BpeLearner() : parts_(std::make_unique<Parts>()) {}
BpeLearner::~BpeLearner() = default;

void BpeLearner::read(std::string_view text) {
    parts_->cut.split({.text = text, .sources = nullptr, .origin = 0}, [this](const AlignedView& piece) {
        const auto found = parts_->pieces.find(piece.text);
        if (found != parts_->pieces.end())
            ++found->second;
        else
            parts_->pieces.emplace(piece.text, 1);
    });
}

std::string BpeLearner::learn(std::int64_t vocabulary, const std::vector<std::string>& specials) const {
    const std::vector<std::uint8_t> bytes = bytesInOrder();
    const std::int64_t wanted = vocabulary - static_cast<std::int64_t>(specials.size());
    if (wanted < static_cast<std::int64_t>(bytes.size()))
        throw UsageError("vocabulary", "",
                         "is " + std::to_string(vocabulary) + ", fewer than 256 bytes and " +
                             std::to_string(specials.size()) + " special tokens",
                         "ask for more tokens");
    std::vector<std::string> tokens;
    std::array<std::int32_t, 256> idOfByte{};
    for (const std::uint8_t byte : bytes) {
        idOfByte[byte] = static_cast<std::int32_t>(tokens.size());
        tokens.push_back(lettersOfBytes(std::string(1, static_cast<char>(byte))));
    }
    std::vector<Word> words;
    for (const auto& [piece, times] : parts_->pieces) {
        Word word{.symbols = {}, .times = times};
        for (const char byte : piece) word.symbols.push_back(idOfByte[static_cast<std::uint8_t>(byte)]);
        words.push_back(std::move(word));
    }
    Merger merger(std::move(words), std::move(tokens));
    while (static_cast<std::int64_t>(merger.tokens().size()) < wanted)
        if (!merger.step())
            throw InputError("the text", "",
                             "has pairs for " + std::to_string(merger.tokens().size() + specials.size()) +
                                 " tokens only, and " + std::to_string(vocabulary) + " are wanted",
                             "give more text, or ask for fewer tokens");
    return tokenizerJson(merger, specials).dump(1) + "\n";
}

}  // namespace fluxscope
