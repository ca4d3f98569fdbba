#include "engine/tokenizer/tokenizer.h"

#include "engine/tokenizer/utf8.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/safetensors_writer.h"
#include "tests/fixture/tiny_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>

namespace fluxscope {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TokenizerTest : public testing::Test {
protected:
    void SetUp() override {
        writeTinyTokenizer(folder_.path());
        std::ifstream in(folder_ / "tokenizer.json");
        json_ = nlohmann::json::parse(in);
    }
    Tokenizer load() const { return Tokenizer::load(folder_ / "tokenizer.json"); }

    template <class Change>
    std::string complaint(Change change) const {
        nlohmann::json json = json_;
        change(json);
        writeText(folder_ / "tokenizer.json", json.dump());
        return complaintOf<InputError>([&] { load(); });
    }

    TempFolder folder_;
    nlohmann::json json_;
};

bool isUtf8(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); i += utf8At(text, i).length)
        if (!utf8At(text, i).wellFormed) return false;
    return true;
}

TEST_F(TokenizerTest, decodingGivesEveryByteStringBack) {
    const Tokenizer tokenizer = load();
    FixtureRandom random(5);
    for (int round = 0; round < 500; ++round) {
        std::string bytes;
        for (std::uint64_t n = random.next() % 60; n > 0; --n)
            bytes.push_back(static_cast<char>(random.next() & 0xFFU));
        const Encoding encoding = tokenizer.encode(bytes, false);
        EXPECT_EQ(tokenizer.decode(encoding.ids), bytes);
        ASSERT_EQ(encoding.ranges.size(), encoding.ids.size());
        std::int64_t end = 0;
        for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
            const auto [from, to] = encoding.ranges[i];
            EXPECT_EQ(from, end);
            EXPECT_EQ(bytes.substr(from, to - from), tokenizer.bytesOf(encoding.ids[i]));
            end = to;
        }
        EXPECT_EQ(end, static_cast<std::int64_t>(bytes.size()));
    }
}

TEST_F(TokenizerTest, specialTokensAreFoundInText) {
    const Tokenizer tokenizer = load();
    const Encoding encoding = tokenizer.encode("a<|im_end|>b", false);
    ASSERT_EQ(encoding.ids.size(), 3U);
    EXPECT_EQ(encoding.ids[1], TokenId(kTinyEndOfText + 2));
    EXPECT_EQ(encoding.ranges, (std::vector<ByteRange>{{0, 1}, {1, 11}, {11, 12}}));
    EXPECT_TRUE(tokenizer.isSpecial(encoding.ids[1]));
}

TEST_F(TokenizerTest, longRunsAreNoAttack) {
    const Tokenizer tokenizer = load();
    const auto began = std::chrono::steady_clock::now();
    for (const char c : {' ', '\n', 'a', '\'', '\xFF'}) {
        const std::string run(200'000, c);
        EXPECT_EQ(tokenizer.decode(tokenizer.encode(run, false).ids), run);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST_F(TokenizerTest, streamedTextNeverBreaksACharacter) {
    const Tokenizer tokenizer = load();
    const std::string text = "né 😀 中 \xF0\x9F and \xFF!";
    TextStream stream(tokenizer);
    std::string whole;
    for (const TokenId id : tokenizer.encode(text, false).ids) {
        const std::string piece = stream.append(id);
        EXPECT_TRUE(isUtf8(piece)) << testing::PrintToString(piece);
        whole += piece;
    }
    EXPECT_EQ(whole + stream.finish(), "né 😀 中 \xEF\xBF\xBD and \xEF\xBF\xBD!");
}

TEST_F(TokenizerTest, anUnfinishedCharacterEndsAsAReplacement) {
    const Tokenizer tokenizer = load();
    TextStream stream(tokenizer);
    EXPECT_EQ(stream.append(TokenId(0xF0)), "");
    EXPECT_EQ(stream.append(TokenId(0x9F)), "");
    EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
    EXPECT_EQ(stream.finish(), "");
    EXPECT_EQ(stream.append(TokenId(kTinyEndOfText)), "") << "special tokens are not text";
    EXPECT_EQ(stream.append(TokenId(1 << 20)), "") << "an id without a token is not text";
}

TEST_F(TokenizerTest, mergesAreReadInBothSpellings) {
    const std::vector<TokenId> pairs = load().encode("the river was special", false).ids;
    nlohmann::json json = json_;
    for (nlohmann::json& merge : json["model"]["merges"])
        merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    writeText(folder_ / "tokenizer.json", json.dump());
    EXPECT_EQ(load().encode("the river was special", false).ids, pairs);
}

TEST_F(TokenizerTest, aTemplateAddsItsTokens) {
    nlohmann::json json = json_;
    json["post_processor"] = nlohmann::json::parse(R"({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [766], "tokens": ["<|im_start|>"]}}})");
    writeText(folder_ / "tokenizer.json", json.dump());
    const Encoding encoding = load().encode("a", true);
    EXPECT_EQ(encoding.ids, (std::vector<TokenId>{TokenId(766), TokenId('a')}));
    EXPECT_EQ(encoding.ranges, (std::vector<ByteRange>{{0, 0}, {0, 1}}));
    EXPECT_EQ(load().encode("a", false).ids.size(), 1U);
}

TEST_F(TokenizerTest, normalizedTextKeepsItsPlacesInTheOriginal) {
    json_["normalizer"] = {{"type", "NFC"}};
    writeText(folder_ / "tokenizer.json", json_.dump());
    const Tokenizer tokenizer = load();
    // e + acute becomes the two bytes of é, and each of their tokens stands for all three original bytes.
    const Encoding encoding = tokenizer.encode("ne\xCC\x81!", false);
    EXPECT_EQ(tokenizer.decode(encoding.ids), "n\xC3\xA9!");
    EXPECT_EQ(encoding.ranges, (std::vector<ByteRange>{{0, 1}, {1, 4}, {1, 4}, {4, 5}}));
    EXPECT_EQ(tokenizer.decode(tokenizer.encode("\xE1\x84\x80\xE1\x85\xA1", false).ids),
              "\xEA\xB0\x80");  // jamo
    EXPECT_EQ(tokenizer.decode(tokenizer.encode("\xE2\x84\xAB\xFF", false).ids),
              "\xC3\x85\xFF");  // Angstrom sign
}

TEST_F(TokenizerTest, hostileMergesAreOneSentence) {
    EXPECT_THAT(complaint([](auto& j) { j["model"]["merges"][3] = {"", "a"}; }),
                AllOf(HasSubstr("tokenizer.json: "), HasSubstr("merges[3] is a cycle")));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["merges"][3] = {"zz", "qq"}; }),
                HasSubstr("merges[3] names \"zz\", which is not in the vocabulary"));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["merges"][3] = {"z", "q"}; }),
                HasSubstr("merges[3] names \"zq\""));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["merges"][3] = j["model"]["merges"][2]; }),
                HasSubstr("merges[3] repeats an earlier merge"));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["merges"][3] = 7; }),
                HasSubstr("merges[3] is not a pair"));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["merges"][3] = "a b c"; }),
                HasSubstr("merges[3] is not two tokens"));
    EXPECT_THAT(complaint([](auto& j) { j["model"].erase("merges"); }), HasSubstr("merges is missing"));
}

TEST_F(TokenizerTest, hostileVocabulariesAreOneSentence) {
    EXPECT_THAT(complaint([](auto& j) { j["model"]["vocab"]["a"] = j["model"]["vocab"]["b"]; }),
                HasSubstr("has id 98"));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["vocab"]["a"] = -1; }), HasSubstr("a is -1"));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["vocab"]["a"] = 1ULL << 40; }),
                HasSubstr("a is 1099511627776"));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["vocab"]["a"] = "x"; }), HasSubstr("a is \"x\""));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["vocab"].erase("a"); }),
                HasSubstr("a is missing: byte-level BPE needs a token"));
    EXPECT_THAT(complaint([](auto& j) { j["model"]["type"] = "Unigram"; }), HasSubstr("type is Unigram"));
    EXPECT_THAT(complaint([](auto& j) { j["model"] = 1; }), HasSubstr("model is 1, not an object"));
}

TEST_F(TokenizerTest, hostileAddedTokensAreOneSentence) {
    EXPECT_THAT(complaint([](auto& j) { j["added_tokens"][0]["content"] = ""; }),
                HasSubstr("added_tokens[0].content is empty"));
    EXPECT_THAT(complaint([](auto& j) { j["added_tokens"][0]["id"] = 5; }),
                HasSubstr("added_tokens[0].id is 5, the id of"));
    EXPECT_THAT(complaint([](auto& j) { j["added_tokens"][0]["content"] = "a"; }),
                HasSubstr("but \"a\" has id 97 in the vocabulary"));
    EXPECT_THAT(complaint([](auto& j) { j["added_tokens"] = "none"; }),
                HasSubstr("added_tokens is not a list"));
}

TEST_F(TokenizerTest, hostilePreTokenizersAreOneSentence) {
    auto& split = json_["pre_tokenizer"]["pretokenizers"][0];
    EXPECT_THAT(complaint([](auto& j) { j["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a"; }),
                HasSubstr("pattern is not a regular expression"));
    EXPECT_THAT(complaint([](auto& j) { j["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Shredded"; }),
                HasSubstr("behavior is Shredded"));
    EXPECT_THAT(complaint([](auto& j) { j["pre_tokenizer"]["type"] = "UnicodeScripts"; }),
                HasSubstr("pre_tokenizer.type is UnicodeScripts"));
    EXPECT_THAT(complaint([](auto& j) {
                    nlohmann::json nested = j["pre_tokenizer"];
                    for (int i = 0; i < 20; ++i)
                        nested = {{"type", "Sequence"}, {"pretokenizers", nlohmann::json::array({nested})}};
                    j["pre_tokenizer"] = nested;
                }),
                HasSubstr("pretokenizers is not a list of a few steps"));
    // An expression that would try for ever gives up with a sentence.
    split["pattern"]["Regex"] = "(?:a+)+[bd]";
    writeText(folder_ / "tokenizer.json", json_.dump());
    const Tokenizer tokenizer = load();
    EXPECT_THAT(complaintOf<InputError>([&] { tokenizer.encode(std::string(5000, 'a') + "c", false); }),
                HasSubstr("gives up on this text"));
}

}  // namespace
}  // namespace fluxscope
