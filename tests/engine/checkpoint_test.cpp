// Folders that cannot be used: one sentence each, naming the file and the field.
#include "engine/checkpoint/checkpoint.h"

#include "tests/engine/support.h"
#include "tests/fixture/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace fluxscope {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const TinyModelOptions kSmall{.layers = 2, .hidden = 64, .heads = 2, .kvHeads = 1, .inner = 64};

std::string readText(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// FNV-1a
std::uint64_t fingerprint(const std::string& text) {
    std::uint64_t state = 0xCBF29CE484222325ULL;
    for (const char c : text) state = (state ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
    return state;
}

class CheckpointTest : public testing::Test {
protected:
    void SetUp() override { writeTinyModel(folder_.path(), kSmall); }

    std::string complaint() const {
        return complaintOf<InputError>([&] { openCheckpoint(folder_.path()); });
    }
    // config.json with one field replaced by a piece of JSON; "" removes it.
    std::string complaintAbout(const std::string& field, const std::string& value) const {
        auto config = nlohmann::ordered_json::parse(readText(folder_ / "config.json"));
        if (value.empty())
            config.erase(field);
        else
            config[field] = "@";
        std::string text = config.dump();
        if (const auto at = text.find("\"@\""); at != std::string::npos) text.replace(at, 3, value);
        const std::string before = readText(folder_ / "config.json");
        writeText(folder_ / "config.json", text);
        std::string said = complaint();
        writeText(folder_ / "config.json", before);
        return said;
    }
    // model.safetensors with its header changed.
    template <class Change>
    std::string complaintAboutHeader(Change change) const {
        const std::string content = readText(folder_ / "model.safetensors");
        std::uint64_t length = 0;
        content.copy(reinterpret_cast<char*>(&length), 8);
        auto header = nlohmann::json::parse(content.substr(8, length));
        change(header);
        writeRawSafetensors(folder_ / "model.safetensors", header.dump(), content.substr(8 + length));
        return complaint();
    }

    TempFolder folder_;
};

TEST_F(CheckpointTest, aGoodFolderIsRead) {
    const Checkpoint checkpoint = openCheckpoint(folder_.path());
    EXPECT_EQ(checkpoint.facts.layers, 2);
    EXPECT_EQ(checkpoint.facts.headDim, 32);
    EXPECT_EQ(checkpoint.facts.vocabulary, 768);
    EXPECT_TRUE(checkpoint.facts.untrained);
    EXPECT_EQ(checkpoint.facts.hash.size(), 16U);
    // Embedding, final norm, and per layer q + o, k + v, three of the feed-forward block, four norms.
    EXPECT_EQ(checkpoint.facts.parameters,
              768 * 64 + 64 + 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 64 + 2 * 64 + 2 * 32));
    // 8d, 2d, 4d, d and 2 outputs with bias, d = 32.
    EXPECT_EQ(checkpoint.facts.routerParameters, 2 * (256 * 33 + 64 * 257 + 128 * 65 + 32 * 129 + 2 * 33));
    ASSERT_TRUE(checkpoint.router.has_value());
    EXPECT_EQ(checkpoint.router->poolSize, 16);
    EXPECT_EQ(checkpoint.router->sparse->sink, 16);
    EXPECT_EQ(checkpoint.router->sparse->window, 64);
    EXPECT_EQ(checkpoint.config.endOfSequence, (std::vector<TokenId>{TokenId(765), TokenId(767)}));
}

TEST_F(CheckpointTest, theFilesAreTheSameEverywhere) {
    TempFolder other;
    writeTinyModel(other.path(), kSmall);
    for (const char* file : {"config.json", "model.safetensors", "router.safetensors", "tokenizer.json"})
        EXPECT_EQ(readText(folder_ / file), readText(other / file)) << file;
    EXPECT_EQ(openCheckpoint(folder_.path()).facts.hash, "a435fb21ff08d0b3");
    EXPECT_EQ(fingerprint(readText(folder_ / "model.safetensors")), 15453313134759841134U);
    EXPECT_EQ(fingerprint(readText(folder_ / "tokenizer.json")), 13666376843431095771U);
}

TEST_F(CheckpointTest, aHostileConfigIsOneSentence) {
    const struct {
        const char* field;
        const char* value;
        const char* says;
    } cases[] = {
        {"num_hidden_layers", "\"many\"", "num_hidden_layers is \"many\""},
        {"num_hidden_layers", "-3", "num_hidden_layers is -3"},
        {"num_hidden_layers", "99999999999999999999", "num_hidden_layers is"},
        {"num_hidden_layers", "1e300", "num_hidden_layers is"},
        {"num_hidden_layers", "18446744073709551615", "num_hidden_layers is"},
        {"num_hidden_layers", "", "num_hidden_layers is missing"},
        {"hidden_size", "0", "hidden_size is 0"},
        {"hidden_size", "2147483648", "hidden_size is 2147483648"},
        {"hidden_size", "[64]", "hidden_size is [64]"},
        {"head_dim", "31", "head_dim is odd"},
        {"num_key_value_heads", "7", "num_key_value_heads is 7"},
        {"rms_norm_eps", "NaN", "is not JSON"},
        {"rms_norm_eps", "-1", "rms_norm_eps is -1"},
        {"rope_theta", "1e999", "is not JSON"},
        {"rope_scaling", "{\"factor\":8}", "rope_scaling.rope_type is missing"},
        {"architectures", "[]", "architectures is not a list of names"},
        {"architectures", "[\"GPT2LMHeadModel\"]", "architectures names GPT2LMHeadModel"},
        {"vocab_size", "null", "vocab_size is missing"},
        {"attention_bias", "1", "attention_bias is 1"},
        {"hidden_act", "\"gelu\"", "hidden_act is gelu"},
        {"quantization_config", "{}", "quantization_config says"},
        {"use_sliding_window", "\"yes\"", "use_sliding_window is \"yes\""},
    };
    for (const auto& c : cases)
        EXPECT_THAT(complaintAbout(c.field, c.value), AllOf(HasSubstr("config.json: "), HasSubstr(c.says)))
            << c.field << " " << c.value;
}

TEST_F(CheckpointTest, aConfigThatIsNoObjectOrTooDeepIsOneSentence) {
    writeText(folder_ / "config.json", "");
    EXPECT_THAT(complaint(), HasSubstr("config.json: is not JSON"));
    writeText(folder_ / "config.json", "[1, 2]");
    EXPECT_THAT(complaint(), HasSubstr("config.json: is not a JSON object"));
    writeText(folder_ / "config.json", "{\"a\":" + std::string(200000, '[') + std::string(200000, ']') + "}");
    EXPECT_THAT(complaint(), HasSubstr("config.json: nests deeper than 64 levels"));
    writeText(folder_ / "config.json", "{\"architectures\": \"\xff\xfe\"}");
    EXPECT_THAT(complaint(), HasSubstr("config.json: is not JSON"));
    std::filesystem::remove(folder_ / "config.json");
    EXPECT_THAT(complaint(), HasSubstr("config.json: is not there"));
}

TEST_F(CheckpointTest, aConfigOfOtherWeightsIsToldFromThem) {
    EXPECT_THAT(complaintAbout("num_attention_heads", "4"),
                HasSubstr("o_proj.weight has shape [64, 64] but config.json says [64, 128]"));
    EXPECT_THAT(complaintAbout("num_hidden_layers", "3"), HasSubstr("model.layers.2."));
}

TEST_F(CheckpointTest, aTruncatedFileIsOneSentence) {
    const std::string whole = readText(folder_ / "model.safetensors");
    for (const std::size_t length : {std::size_t{0}, std::size_t{5}, std::size_t{8}, std::size_t{100},
                                     whole.size() / 2, whole.size() - 1}) {
        writeText(folder_ / "model.safetensors", whole.substr(0, length));
        EXPECT_THAT(complaint(), AllOf(HasSubstr("model.safetensors: "),
                                       testing::AnyOf(HasSubstr("cut off"), HasSubstr("is empty"))))
            << length;
    }
}

TEST_F(CheckpointTest, aHostileHeaderIsOneSentence) {
    const std::string norm = "model.norm.weight";
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm]["data_offsets"] = {0, 1ULL << 60}; }),
                HasSubstr("cut off"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm]["data_offsets"] = {256, 0}; }),
                HasSubstr("end before they begin"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm]["data_offsets"] = {-256, 0}; }),
                HasSubstr("not a pair of positions"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm]["data_offsets"] = {0, 256}; }),
                HasSubstr("shares bytes with"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm]["shape"] = {1ULL << 40, 1ULL << 40}; }),
                HasSubstr("larger than any file"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm]["shape"] = {-64}; }),
                HasSubstr("a size that is no count"));
}

TEST_F(CheckpointTest, aWrongTypeOrShapeIsOneSentence) {
    const std::string norm = "model.norm.weight";
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm]["shape"] = {65}; }), HasSubstr("needs 260"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) {
                    h[norm]["shape"] = {64};
                    h[norm]["dtype"] = "I32";
                }),
                HasSubstr("is stored as I32"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm]["dtype"] = "Q4"; }), HasSubstr("dtype is Q4"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h[norm] = 3; }),
                HasSubstr("is not an object of the header"));
    EXPECT_THAT(complaintAboutHeader([&](auto& h) { h.erase(norm); }),
                HasSubstr("model.norm.weight is missing"));
}

TEST_F(CheckpointTest, aPickleIsNotRead) {
    writeText(folder_ / "model.safetensors", "PK\x03\x04 archive/data.pkl and so on");
    EXPECT_THAT(complaint(),
                AllOf(HasSubstr("header is said to have"), HasSubstr("pickled checkpoints are never read")));
    std::filesystem::remove(folder_ / "model.safetensors");
    EXPECT_THAT(complaint(), HasSubstr("convert the weights to safetensors"));
}

TEST_F(CheckpointTest, aRouterOfAnotherModelIsRefused) {
    TempFolder other;
    TinyModelOptions options = kSmall;
    options.inner = 96;
    writeTinyModel(other.path(), options);
    EXPECT_THAT(
        complaintOf<InputError>([&] { openCheckpoint(folder_.path(), other / "router.safetensors"); }),
        HasSubstr("it was trained for another model"));
    EXPECT_THAT(complaintOf<InputError>([&] { openCheckpoint(folder_.path(), other / "none.safetensors"); }),
                HasSubstr("none.safetensors: is not there"));
}

TEST(Checkpoint, shardsMayNotLieElsewhere) {
    TempFolder folder;
    TinyModelOptions options = kSmall;
    options.shards = 3;
    writeTinyModel(folder.path(), options);
    EXPECT_EQ(openCheckpoint(folder.path()).facts.layers, 2);
    for (const char* place : {"../model-00001-of-00003.safetensors", "/etc/passwd", "..", ""}) {
        auto index = nlohmann::json::parse(readText(folder / "model.safetensors.index.json"));
        index["weight_map"]["model.norm.weight"] = place;
        writeText(folder / "model.safetensors.index.json", index.dump());
        EXPECT_THAT(complaintOf<InputError>([&] { openCheckpoint(folder.path()); }),
                    HasSubstr("does not name a file beside the index"));
    }
}

TEST(Checkpoint, shardsAreTheSameModel) {
    TempFolder whole;
    TempFolder parts;
    TinyModelOptions options = kSmall;
    writeTinyModel(whole.path(), options);
    options.shards = 2;
    writeTinyModel(parts.path(), options);
    EXPECT_EQ(openCheckpoint(whole.path()).facts.hash, openCheckpoint(parts.path()).facts.hash);
}

}  // namespace
}  // namespace fluxscope
