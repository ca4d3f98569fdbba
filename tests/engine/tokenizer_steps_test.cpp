// What the steps of a tokenizer.json do, on files of a few tokens: byte fallback, Metaspace, normal forms, decoders, and what is
// refused. The families as a whole are compared with Hugging Face's library by oracle/tokenizer_oracle.py.
#include "engine/tokenizer/tokenizer.h"
#include "tests/engine/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fluxscope {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const char* const kMark = "\xE2\x96\x81";  // "▁"

json step(const char* type) { return {{"type", type}}; }

// <unk> 0, <s> 1, </s> 2, the bytes 3 .. 258, then what is given.
json sentencePiece(const std::vector<std::string>& tokens, const json& merges) {
    json vocabulary = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
    for (int byte = 0; byte < 256; ++byte) {
        const char* hex = "0123456789ABCDEF";
        vocabulary[std::string("<0x") + hex[byte / 16] + hex[byte % 16] + ">"] = 3 + byte;
    }
    for (const std::string& token : tokens) vocabulary[token] = vocabulary.size();
    const json decoder = {{"type", "Sequence"},
                          {"decoders",
                           {{{"type", "Replace"}, {"pattern", {{"String", kMark}}}, {"content", " "}},
                            step("ByteFallback"),
                            step("Fuse"),
                            {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
    return {{"added_tokens",
             {{{"id", 1}, {"content", "<s>"}, {"special", true}},
              {{"id", 2}, {"content", "</s>"}, {"special", true}}}},
            {"normalizer",
             {{"type", "Sequence"},
              {"normalizers",
               {{{"type", "Prepend"}, {"prepend", kMark}},
                {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kMark}}}}}},
            {"pre_tokenizer", nullptr},
            {"post_processor", nullptr},
            {"decoder", decoder},
            {"model",
             {{"type", "BPE"},
              {"unk_token", "<unk>"},
              {"fuse_unk", true},
              {"byte_fallback", true},
              {"vocab", vocabulary},
              {"merges", merges}}}};
}

json llama2() {
    const std::string mark = kMark;
    return sentencePiece({mark, "h", "i", "hi", mark + "hi"}, json::array({{"h", "i"}, {mark, "hi"}}));
}

Tokenizer parsed(const json& file) { return Tokenizer::parse(file.dump(), "tokenizer.json"); }

std::vector<std::int32_t> idsOf(const Tokenizer& tokenizer, std::string_view text) {
    std::vector<std::int32_t> ids;
    for (const TokenId id : tokenizer.encode(text, false).ids) ids.push_back(id.value());
    return ids;
}

std::string streamed(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
    TextStream stream(tokenizer);
    std::string text;
    for (const TokenId id : ids) text += stream.append(id);
    return text + stream.finish();
}

template <class Change>
std::string complaint(json file, Change change) {
    change(file);
    return complaintOf<InputError>([&] { parsed(file); });
}

TEST(TokenizerSteps, whatHasNoTokenFallsBackToItsBytes) {
    const Tokenizer tokenizer = parsed(llama2());
    EXPECT_EQ(idsOf(tokenizer, "hi \xC3\xA9"), (std::vector<std::int32_t>{263, 259, 3 + 0xC3, 3 + 0xA9}));
    EXPECT_EQ(tokenizer.encode("hi \xC3\xA9", false).ranges,
              (std::vector<ByteRange>{{0, 2}, {2, 3}, {3, 4}, {4, 5}}));
}

TEST(TokenizerSteps, byteFallbackGivesIllFormedBytesBack) {
    const Tokenizer tokenizer = parsed(llama2());
    for (const std::string text : {"hi hi", "  hi", "\xFF", "hi \xF0\x9F\x98", "a\xE2\x96 \x80"})
        EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false).ids), text) << testing::PrintToString(text);
}

TEST(TokenizerSteps, aStreamLosesTheSpaceAtItsStartAndNoOther) {
    const Tokenizer tokenizer = parsed(llama2());
    const Encoding encoding = tokenizer.encode("hi hi \xF0\x9F\x98\x80", false);
    EXPECT_EQ(streamed(tokenizer, encoding.ids), "hi hi \xF0\x9F\x98\x80");
    // A special token before it is no text, so the space is still at the start.
    EXPECT_EQ(streamed(tokenizer, tokenizer.encode("<s>hi", false).ids), "hi");
    EXPECT_EQ(tokenizer.decode(tokenizer.encode("<s>hi", false).ids), "<s> hi");
}

TEST(TokenizerSteps, aStreamReplacesWhatIsIllFormedAndNoMore) {
    const Tokenizer tokenizer = parsed(llama2());
    const std::vector<TokenId> ids = {TokenId(3 + 0xE2), TokenId(3 + 0x96), TokenId(260), TokenId(3 + 0xC3),
                                      TokenId(3 + 0xA9)};
    EXPECT_EQ(streamed(tokenizer, ids), "\xEF\xBF\xBDh\xC3\xA9");
}

TEST(TokenizerSteps, idsWithoutATokenAreRefusedWhenDecoded) {
    const Tokenizer tokenizer = parsed(llama2());
    const std::vector<TokenId> ids = {TokenId(260), TokenId(264)};
    EXPECT_THAT(complaintOf<InputError>([&] { tokenizer.decode(ids); }),
                HasSubstr("the ids: [1] is 264, for which tokenizer.json has no token"));
    EXPECT_EQ(streamed(tokenizer, ids), "h") << "a model's padding rows are no text";
}

TEST(TokenizerSteps, unknownCharactersFuseWhereTheFileSaysSo) {
    json file = llama2();
    file["model"]["byte_fallback"] = false;
    EXPECT_EQ(idsOf(parsed(file), "hixyhi"), (std::vector<std::int32_t>{263, 0, 262}));
    EXPECT_EQ(parsed(file).encode("hixyhi", false).ranges, (std::vector<ByteRange>{{0, 2}, {2, 4}, {4, 6}}));
    file["model"]["fuse_unk"] = false;
    EXPECT_EQ(idsOf(parsed(file), "hixyhi"), (std::vector<std::int32_t>{263, 0, 0, 262}));
    file["model"].erase("unk_token");
    EXPECT_EQ(idsOf(parsed(file), "hixyhi"), (std::vector<std::int32_t>{263, 262}));
}

TEST(TokenizerSteps, metaspaceMarksTheStartOfTheTextOnceOrOfEachPart) {
    json file = llama2();
    file["normalizer"] = nullptr;
    for (const auto& [scheme, ids] : std::map<std::string, std::vector<std::int32_t>>{
             {"always", {263, 1, 263}}, {"first", {263, 1, 262}}, {"never", {262, 1, 262}}}) {
        file["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", kMark}, {"prepend_scheme", scheme}};
        EXPECT_EQ(idsOf(parsed(file), "hi<s>hi"), ids) << scheme;
    }
}

TEST(TokenizerSteps, addedTokensTakeTheWhiteSpaceTheyAskFor) {
    json file = llama2();
    const auto rangesWith = [&file](const char* flag) {
        json changed = file;
        if (*flag != '\0') changed["added_tokens"][0][flag] = true;
        return parsed(changed).encode("hi <s> hi", false).ranges;
    };
    EXPECT_EQ(rangesWith(""), (std::vector<ByteRange>{{0, 2}, {2, 3}, {3, 6}, {6, 7}, {6, 9}}));
    EXPECT_EQ(rangesWith("lstrip"), (std::vector<ByteRange>{{0, 2}, {2, 6}, {6, 7}, {6, 9}}));
    EXPECT_EQ(rangesWith("rstrip"), (std::vector<ByteRange>{{0, 2}, {2, 3}, {3, 7}, {7, 9}}));
    file["added_tokens"][0]["single_word"] = true;
    EXPECT_EQ(idsOf(parsed(file), "hi<s>").back(), 3 + '>') << "inside a word it is none";
}

TEST(TokenizerSteps, aHundredThousandCharactersWithoutSpaceAreNoAttack) {
    json file = llama2();
    file["normalizer"] = nullptr;
    const Tokenizer tokenizer = parsed(file);
    std::string text;
    while (text.size() < 1'000'000) text += "hi";
    EXPECT_EQ(tokenizer.encode(text, false).ids.size(), 500'000U);
    EXPECT_EQ(tokenizer.encode(std::string(1'000'000, 'h'), false).ids.size(), 1'000'000U);
}

TEST(TokenizerSteps, whatIsNotReadIsOneSentence) {
    const auto inModel = [](const char* field, const json& value) {
        return complaint(llama2(), [&](json& j) { j["model"][field] = value; });
    };
    EXPECT_THAT(inModel("end_of_word_suffix", "</w>"),
                AllOf(HasSubstr("tokenizer.json: model.end_of_word_suffix is set"), HasSubstr("; use ")));
    EXPECT_THAT(inModel("continuing_subword_prefix", "##"), HasSubstr("continuing_subword_prefix is set"));
    EXPECT_THAT(inModel("dropout", 0.1), HasSubstr("dropout is set"));
    EXPECT_THAT(inModel("dropout", 7), HasSubstr("dropout is 7"));
    EXPECT_THAT(inModel("unk_token", "nobody"), HasSubstr("unk_token is \"nobody\", which is not in the"));
    EXPECT_THAT(inModel("type", "WordPiece"), HasSubstr("model.type is WordPiece, and only BPE is read"));
    EXPECT_THAT(complaint(llama2(), [](json& j) { j["normalizer"] = step("Precompiled"); }),
                HasSubstr("normalizer.type is Precompiled"));
    EXPECT_THAT(
        complaint(llama2(), [](json& j) { j["normalizer"]["normalizers"][1]["pattern"]["String"] = ""; }),
        HasSubstr("normalizer.normalizers[1].pattern is empty"));
    EXPECT_THAT(complaint(llama2(), [](json& j) { j["post_processor"] = step("BertProcessing"); }),
                HasSubstr("post_processor.type is BertProcessing"));
    EXPECT_THAT(
        complaint(llama2(),
                  [](json& j) { j["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "ab"}}; }),
        HasSubstr("pre_tokenizer.replacement is \"ab\", not one character"));
    EXPECT_THAT(
        complaint(llama2(),
                  [](json& j) { j["pre_tokenizer"] = {{"type", "Metaspace"}, {"prepend_scheme", "last"}}; }),
        HasSubstr("prepend_scheme is last"));
}

TEST(TokenizerSteps, decodersThatCannotStreamAreOneSentence) {
    const auto withStep = [](std::size_t at, const json& other) {
        return complaint(llama2(), [&](json& j) {
            json& list = j["decoder"]["decoders"];
            list.insert(list.begin() + static_cast<std::ptrdiff_t>(at), other);
        });
    };
    const json strip = {{"type", "Strip"}, {"content", " "}, {"start", 0}, {"stop", 1}};
    EXPECT_THAT(withStep(3, strip), HasSubstr("decoder.decoders[3].stop is not 0"));
    EXPECT_THAT(withStep(2, strip), HasSubstr("is Strip between bytes"));
    EXPECT_THAT(withStep(3, step("ByteFallback")), HasSubstr("stands behind Fuse"));
    EXPECT_THAT(withStep(2, step("ByteFallback")), HasSubstr("among bytes already"));
    EXPECT_THAT(withStep(1, step("Metaspace")), HasSubstr("is Metaspace behind another step"));
    EXPECT_THAT(withStep(0, step("CTC")), HasSubstr("decoder.decoders[0].type is CTC"));
}

TEST(TokenizerSteps, expressionsThatTwoLibrariesReadDifferentlyAreOneSentence) {
    const auto withPattern = [](const char* pattern) {
        return complaint(llama2(), [&](json& j) {
            j["pre_tokenizer"] = {
                {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
        });
    };
    EXPECT_THAT(withPattern("[a&&b]"), HasSubstr("an intersection of classes"));
    EXPECT_THAT(withPattern("[a[bc]]"), HasSubstr("a class in a class"));
    EXPECT_THAT(withPattern(R"([\W])"), HasSubstr(R"(\W or \H in a class)"));
    EXPECT_THAT(withPattern(R"(\p{N}{1,3}+)"), HasSubstr("an interval {n,m} that is repeated"));
    EXPECT_THAT(withPattern("(?m)a"), HasSubstr("the option (?m)"));
    EXPECT_THAT(withPattern("[[:alpha]"), HasSubstr("an unfinished [:class:]"));
    EXPECT_THAT(withPattern(""), HasSubstr("it is empty"));
}

}  // namespace
}  // namespace fluxscope
