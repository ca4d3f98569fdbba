// Folders that others damaged, or made to do damage: each is one sentence that names the file and the field and says what to
// do, with the exit code of a bad input file. Nothing crashes, and nothing outside the folder is opened.
#include "engine/engine.h"
#include "tests/engine/support.h"
#include "tests/fixture/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>

namespace fluxscope {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;
using Change = std::function<void(const fs::path&)>;

const TinyModelOptions kSmall{.layers = 2, .hidden = 64, .heads = 2, .kvHeads = 1, .inner = 64};
const char* const kWeights = "model.safetensors";
const char* const kNorm = "model.norm.weight";
const std::string kRouter = "model.layers.0.self_attn.mask_allocator.";

std::string readText(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// One field of a JSON file replaced by a piece of text that need not be JSON.
Change field(const char* file, const char* name, const std::string& value) {
    return [=](const fs::path& folder) {
        auto json = Json::parse(readText(folder / file));
        json[name] = "@";
        std::string text = json.dump();
        text.replace(text.find("\"@\""), 3, value);
        writeText(folder / file, text);
    };
}
Change config(const char* name, const std::string& value) { return field("config.json", name, value); }
Change rope(const std::string& value) { return config("rope_scaling", value); }

Change content(const char* file, const std::string& text) {
    return [=](const fs::path& folder) { writeText(folder / file, text); };
}

Change gone(const char* file) {
    return [=](const fs::path& folder) { fs::remove(folder / file); };
}

Change link(const char* file, const char* target) {
    return [=](const fs::path& folder) {
        fs::remove(folder / file);
        fs::create_symlink(target, folder / file);
    };
}

// A safetensors file with another header over the same data.
Change header(const char* file, const std::function<void(nlohmann::json&)>& change) {
    return [=](const fs::path& folder) {
        const std::string whole = readText(folder / file);
        std::uint64_t length = 0;
        whole.copy(reinterpret_cast<char*>(&length), 8);
        auto json = nlohmann::json::parse(whole.substr(8, length));
        change(json);
        writeRawSafetensors(folder / file, json.dump(), whole.substr(8 + length));
    };
}
Change tensor(const char* part, const nlohmann::json& value) {
    return header(kWeights, [=](auto& h) { h[kNorm][part] = value; });
}
Change metadata(const char* key, const nlohmann::json& value) {
    return header("router.safetensors", [=](auto& h) { h["__metadata__"][key] = value; });
}

// The first bytes of the weights replaced: the header's length as a little-endian number.
Change headerLength(std::uint64_t length) {
    return [=](const fs::path& folder) {
        std::string whole = readText(folder / kWeights);
        for (std::size_t i = 0; i < 8; ++i) whole[i] = static_cast<char>(length >> (8 * i) & 0xFFU);
        writeText(folder / kWeights, whole);
    };
}

Change rawHeader(const std::string& text) {
    return [=](const fs::path& folder) { writeRawSafetensors(folder / kWeights, text, "0123456789abcdef"); };
}

// A router file in which one tensor has a shape of its own.
Change routerShape(const char* name, const std::vector<std::int64_t>& shape) {
    return [=](const fs::path& folder) {
        std::int64_t count = 1;
        for (const std::int64_t size : shape) count *= size;
        writeSafetensors(folder / "router.safetensors",
                         {{kRouter + name, shape, std::vector<float>(static_cast<std::size_t>(count))}},
                         FixtureType::F32, {{"pool_size", "16"}});
    };
}

// The same folder as a checkpoint of Flux Attention: an architecture, a field, and no router beside it.
Change flux(const char* name, const std::string& value) {
    return [=](const fs::path& folder) {
        config("architectures", R"(["PawQwen3ForCausalLM"])")(folder);
        fs::remove(folder / "router.safetensors");
        config(name, value)(folder);
    };
}

Change sharded(const std::function<void(const fs::path&, Json&)>& change) {
    return [=](const fs::path& folder) {
        fs::remove(folder / kWeights);
        TinyModelOptions options = kSmall;
        options.shards = 2;
        writeTinyModel(folder, options);
        const fs::path index = folder / "model.safetensors.index.json";
        auto json = Json::parse(readText(index));
        change(folder, json);
        writeText(index, json.dump());
    };
}
Change shardOfNorm(const nlohmann::json& place) {
    return sharded([=](const fs::path&, Json& index) { index["weight_map"][kNorm] = place; });
}

Change both(const Change& first, const Change& second) {
    return [=](const fs::path& folder) {
        first(folder);
        second(folder);
    };
}

struct Hostile {
    Change change;
    const char* file;  // named in front
    const char* says;  // field and problem
};

const std::string kDeep = std::string(100'000, '[') + std::string(100'000, ']');
const char* const kIndex = "model.safetensors.index.json";
const char* const kRouterFile = "router.safetensors";

// Each with what it does to a good folder.
std::vector<Hostile> hostileConfigs() {
    return {
        {gone("config.json"), "config.json", "is not there"},
        {content("config.json", ""), "config.json", "is not JSON"},
        {content("config.json", "[]"), "config.json", "is not a JSON object"},
        {content("config.json", "{\"a\": " + kDeep + "}"), "config.json", "nests deeper than 64 levels"},
        {content("config.json", "{\"\xff\": 1}"), "config.json", "is not JSON"},
        {content("config.json", R"({"hidden_size": 64, "hidden_size": 32})"), "config.json",
         "hidden_size stands there twice"},
        {both(gone("config.json"), [](const fs::path& f) { fs::create_directory(f / "config.json"); }),
         "config.json", "is not there or is not a file"},
        {link("config.json", "config.json"), "config.json", "is not there"},
        {config("architectures", "[\"MambaForCausalLM\"]"), "config.json",
         "architectures names MambaForCausalLM"},
        {config("architectures", R"(["\n\u0007Evil"])"), "config.json", R"(names \x0A\x07Evil)"},
        {config("num_attention_heads", "0"), "config.json", "num_attention_heads is 0"},
        {config("num_key_value_heads", "0"), "config.json", "num_key_value_heads is 0"},
        {config("num_key_value_heads", "3"), "config.json", "does not divide 2 heads"},
        {config("num_hidden_layers", "1000000000"), "config.json", "num_hidden_layers is 1000000000"},
        {config("num_hidden_layers", "9223372036854775808"), "config.json", "num_hidden_layers is"},
        {config("hidden_size", "-64"), "config.json", "hidden_size is -64"},
        {config("hidden_size", "64.5"), "config.json", "hidden_size is 64.5"},
        {both(config("architectures", "[\"LlamaForCausalLM\"]"),
              both(config("head_dim", "null"), config("hidden_size", "63"))),
         "config.json", "hidden_size is 63, which 2 heads do not divide"},
        {config("head_dim", "512"), "config.json", "head_dim is 512"},
        {config("head_dim", "33"), "config.json", "head_dim is odd"},
        {config("vocab_size", "1e18"), "config.json", "vocab_size is"},
        {config("vocab_size", "769"), kWeights,
         "model.embed_tokens.weight has shape [768, 64] but config.json says [769, 64]"},
        {config("eos_token_id", "[768]"), "config.json", "eos_token_id is not a token id"},
        {config("eos_token_id", "-1"), "config.json", "eos_token_id is not a token id"},
        {field("generation_config.json", "eos_token_id", "\"</s>\""), "generation_config.json",
         "eos_token_id is not a token id"},
        {config("rms_norm_eps", "NaN"), "config.json", "is not JSON"},
        {config("tie_word_embeddings", "\"yes\""), "config.json", "tie_word_embeddings is \"yes\""},
        {config("tie_word_embeddings", "false"), "", "lm_head.weight is missing"},
        {both(config("use_sliding_window", "true"),
              both(config("max_window_layers", "0"), config("sliding_window", "0"))),
         "config.json", "sliding_window is 0"},
        {config("layer_types", "[\"full_attention\"]"), "config.json",
         "layer_types is not a list of 2 kinds of layer"},
        {config("layer_types", "[\"full_attention\", \"chunked\"]"), "config.json",
         "layer_types names chunked"},
        {config("layer_types", "[\"sliding_attention\", 7]"), "config.json", "layer_types names no text"},
        {config("layer_types", "[\"full_attention\", \"sliding_attention\"]"), "config.json",
         "but use_sliding_window is not true"},
        {config("quantization_config", R"({"quant_method": "awq"})"), "config.json", "quantized (AWQ)"},
        {config("quantization_config", R"({"quant_method": "gptq"})"), "config.json", "quantized (GPTQ)"},
        {config("quantization_config", R"({"quant_method": "fp8"})"), "config.json", "quantized (FP8)"},
        {config("quantization_config", R"({"load_in_4bit": true})"), "config.json",
         "quantized (bitsandbytes)"},
        {config("quantization_config", "7"), "config.json", "quantization_config is 7"},
    };
}

std::vector<Hostile> hostileRopes() {
    return {
        {config("rope_theta", "Infinity"), "config.json", "is not JSON"},
        {config("rope_theta", "0"), "config.json", "rope_theta is 0"},
        {config("rope_theta", "-10000.0"), "config.json", "rope_theta is -10000.0"},
        {rope(R"({"rope_type": "dynamic", "factor": 2})"), "config.json",
         "rope_scaling.rope_type is dynamic"},
        {rope(R"({"type": "longrope", "factor": 2})"), "config.json", "rope_scaling.type is longrope"},
        {rope(R"({"rope_type": "linear"})"), "config.json", "rope_scaling.factor is missing"},
        {rope(R"({"rope_type": "linear", "factor": NaN})"), "config.json", "is not JSON"},
        {rope(R"({"rope_type": "linear", "factor": "2"})"), "config.json", "rope_scaling.factor is \"2\""},
        {rope(R"({"rope_type": "linear", "factor": 0})"), "config.json", "rope_scaling.factor is 0"},
        {rope(R"({"rope_type": "yarn", "factor": 1e308})"), "config.json", "rope_scaling.factor is 1e+308"},
        {rope(R"({"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 0})"), "config.json",
         "original_max_position_embeddings is 0"},
        {rope(R"({"rope_type": "yarn", "factor": 4, "beta_fast": 1, "beta_slow": 32})"), "config.json",
         "beta_fast is less than beta_slow"},
        {rope(R"({"rope_type": "yarn", "factor": 4, "attention_factor": -1})"), "config.json",
         "attention_factor is -1"},
        {rope(R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4})"),
         "config.json", "high_freq_factor is not greater"},
        {rope(R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 0, "high_freq_factor": 4})"),
         "config.json", "low_freq_factor is 0"},
        {config("rope_parameters", R"({"full_attention": {"rope_type": "default"}})"), "config.json",
         "rope_parameters.full_attention gives"},
        {config("rope_parameters", "[1]"), "config.json", "rope_parameters is [1]"},
        {config("partial_rotary_factor", "0.5"), "config.json", "partial_rotary_factor turns only a part"},
        {config("max_position_embeddings", "0"), "config.json", "max_position_embeddings is 0"},
    };
}

std::vector<Hostile> hostileWeights() {
    const auto u64 = [](std::uint64_t n) { return nlohmann::json(n); };
    return {
        {gone(kWeights), "", "has no model.safetensors"},
        {content(kWeights, ""), kWeights, "is empty"},
        {content(kWeights, "1234567"), kWeights, "is cut off before its header"},
        {headerLength(std::uint64_t{1} << 63), kWeights, "header is said to have 9223372036854775808 bytes"},
        {headerLength(90'000'000), kWeights, "it is cut off"},
        {headerLength(0), kWeights, "is not JSON"},
        {headerLength(9), kWeights, "is not JSON"},
        {rawHeader("{\"a\": " + kDeep + "}"), kWeights, "nests deeper than 64 levels"},
        {rawHeader("{\"\xc3\x28\": {}}"), kWeights, "is not JSON"},
        {rawHeader(
             R"({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})"),
         kWeights, "w stands there twice"},
        {rawHeader(R"({"w\n\u001b[31m": 3})"), kWeights, R"(w\x0A\x1B[31m is not an object)"},
        {tensor("data_offsets", {0, u64(std::uint64_t{1} << 63)}), kWeights, "it is cut off"},
        {tensor("data_offsets", {u64(UINT64_MAX - 255), u64(UINT64_MAX)}), kWeights, "it is cut off"},
        {tensor("data_offsets", {4, 260}), kWeights, "shares bytes with"},
        {tensor("data_offsets", {0, 256, 512}), kWeights, "data_offsets is not a pair"},
        {tensor("data_offsets", {0.5, 256}), kWeights, "data_offsets is not a pair"},
        {tensor("shape", nlohmann::json::array({std::uint64_t{1} << 63})), kWeights,
         "shape has a size that is no count"},
        {tensor("shape", {u64(std::uint64_t{1} << 40), u64(std::uint64_t{1} << 40)}), kWeights,
         "shape is larger than any file"},
        {tensor("shape", nlohmann::json(std::vector<int>(9, 1))), kWeights,
         "shape is not a list of at most 8 sizes"},
        {tensor("shape", "64"), kWeights, "shape is not a list"},
        {tensor("shape", nlohmann::json::array({32})), kWeights, "of shape [32] needs 128"},
        {tensor("shape", {1, 64}), kWeights, "model.norm.weight has shape [1, 64] but config.json says [64]"},
        {tensor("dtype", "F16"), kWeights, "F16 of shape [64] needs 128"},
        {tensor("dtype", "I32"), kWeights, "is stored as I32"},
        {tensor("dtype", "F4_E2M1"), kWeights, "dtype is F4_E2M1"},
        {tensor("dtype", nullptr), kWeights, "dtype is missing"},
        {header(kWeights, [](auto& h) { h.erase(kNorm); }), "", "model.norm.weight is missing"},
        {header(kWeights, [](auto& h) { h = nlohmann::json::object(); }), "", "is missing"},
        {header(kWeights,
                [](auto& h) {
                    h["model.layers.0.mlp.up_proj.qweight"] = h[kNorm];
                    h.erase(kNorm);
                }),
         kWeights, "up_proj.qweight holds packed integers"},
        {header(kWeights,
                [](auto& h) {
                    h["model.layers.0.mlp.up_proj.weight_scale_inv"] = h[kNorm];
                    h.erase(kNorm);
                }),
         kWeights, "scales quantized weights"},
        {link(kWeights, "model.safetensors"), kWeights, "is not there or cannot be read"},
        {link(kWeights, "/proc/self/nothing"), kWeights, "is not there or cannot be read"},
        {both(gone(kWeights), [](const fs::path& f) { fs::create_directory(f / kWeights); }), kWeights,
         "is not there or cannot be read"},
        {both(gone(kWeights), content("model-q4.gguf", "GGUF")), "model-q4.gguf", "is a GGUF file"},
        {both(gone(kWeights), content("pytorch_model.bin", "\x80\x02")), "pytorch_model.bin", "is a pickle"},
        {both(gone("config.json"), content("adapter_config.json", "{}")), "",
         "adapter_config.json makes it an adapter"},
        {shardOfNorm("../model-00001-of-00002.safetensors"), kIndex, "does not name a file beside the index"},
        {shardOfNorm("/etc/passwd"), kIndex, "does not name a file beside the index"},
        {shardOfNorm(".."), kIndex, "does not name a file beside the index"},
        {shardOfNorm(7), kIndex, "does not name a file beside the index"},
        {shardOfNorm("model-00003-of-00002.safetensors"), "model-00003-of-00002.safetensors", "is not there"},
        {sharded([](const fs::path& f, Json&) { fs::remove(f / "model-00002-of-00002.safetensors"); }),
         "model-00002-of-00002.safetensors", "is not there"},
        {sharded([](const fs::path&, Json& i) {
             i["weight_map"]["nobody.weight"] = "model-00001-of-00002.safetensors";
         }),
         kIndex, "weight_map.nobody.weight is not in"},
        {sharded([](const fs::path&, Json& i) { i["weight_map"].erase(kNorm); }), "",
         "model.norm.weight is missing"},
        {sharded([](const fs::path&, Json& i) { i.erase("weight_map"); }), kIndex, "weight_map is missing"},
        {sharded([](const fs::path&, Json& i) { i["weight_map"] = 3; }), kIndex, "weight_map is 3"},
    };
}

std::vector<Hostile> hostileRouters() {
    const auto erased = [](const char* key) {
        return header(kRouterFile, [=](auto& h) { h["__metadata__"].erase(key); });
    };
    return {
        {erased("pool_size"), kRouterFile, "__metadata__.pool_size is missing"},
        {metadata("pool_size", "0"), kRouterFile, "pool_size is no count"},
        {metadata("pool_size", "nan"), kRouterFile, "pool_size is no count"},
        {metadata("pool_size", "inf"), kRouterFile, "pool_size is no count"},
        {metadata("pool_size", "1e999"), kRouterFile, "pool_size is no count"},
        {metadata("pool_size", "16 tokens"), kRouterFile, "pool_size is no count"},
        {metadata("sparse", "streaming:sink=many"), kRouterFile, "__metadata__.sparse is no sparse form"},
        {metadata("backbone", "0123456789abcdef"), kRouterFile, "it was trained for another model"},
        {header(kRouterFile, [](auto& h) { h.erase(kRouter + "cls_feat_extractor.2.bias"); }), kRouterFile,
         "cls_feat_extractor.2.bias is missing"},
        {routerShape("cls_feat_extractor.0.bias", {7}), kRouterFile, "but a router of this model says"},
        {routerShape("cls_feat_extractor.0.weight", {128, 32}), kRouterFile,
         "it is a router of Elastic Attention"},
        {content(kRouterFile, "PK"), kRouterFile, "is cut off"},
        {flux("pool_size", "0"), "config.json", "pool_size is 0"},
        {flux("pool_size", "150.5"), "config.json", "pool_size is 150.5"},
        {flux("pool_size", "NaN"), "config.json", "is not JSON"},
        {flux("pooling_mode", "\"first_token\""), "config.json", "pooling_mode is first_token"},
        {flux("toggle_type", "\"topk\""), "config.json", "toggle_type is topk"},
        {flux("retrieval_mode", "\"xattn\""), "config.json", "retrieval_mode is xattn"},
        {flux("block_size", "64"), "config.json", "block_size is not 128"},
        {flux("local_window_size", "0"), "config.json", "local_window_size is 0"},
        {flux("use_task_emb_for_mask", "true"), "config.json", "use_task_emb_for_mask is true"},
        {flux("pool_size", "150.0"), "", "mask_allocator.cls_feat_extractor.0.bias is missing"},
    };
}

class HostileFolder : public testing::Test {
protected:
    static void SetUpTestSuite() { writeTinyModel(good(), kSmall); }
    static void TearDownTestSuite() { fs::remove_all(good()); }

    static const fs::path& good() {
        static const fs::path folder =
            fs::temp_directory_path() / ("fluxscope-good-" + std::to_string(::getpid()));
        return folder;
    }

    static void eachIsOneSentence(const std::vector<Hostile>& folders) {
        for (const Hostile& hostile : folders) {
            const TempFolder folder;
            fs::copy(good(), folder.path(), fs::copy_options::recursive);
            hostile.change(folder.path());
            SCOPED_TRACE(hostile.says);
            try {
                Model::load(folder.path());
                ADD_FAILURE() << "was loaded";
            } catch (const Error& e) {
                const std::string sentence = e.what();
                EXPECT_EQ(e.exitCode(), 3) << sentence;
                EXPECT_FALSE(e.remedy().empty()) << sentence;
                EXPECT_EQ(e.where(), (hostile.file[0] ? folder / hostile.file : folder.path()).string())
                    << sentence;
                EXPECT_THAT(sentence, HasSubstr(hostile.says));
                EXPECT_THAT(sentence, Not(HasSubstr("\n")));
                EXPECT_LT(sentence.size(), 600U);
            }
        }
    }
};

TEST_F(HostileFolder, configIsOneSentence) { eachIsOneSentence(hostileConfigs()); }
TEST_F(HostileFolder, ropeIsOneSentence) { eachIsOneSentence(hostileRopes()); }
TEST_F(HostileFolder, weightsAreOneSentence) { eachIsOneSentence(hostileWeights()); }
TEST_F(HostileFolder, routersAreOneSentence) { eachIsOneSentence(hostileRouters()); }

TEST_F(HostileFolder, pathThatIsNoFolderIsOneSentence) {
    const TempFolder folder;
    writeText(folder / "model.gguf", "GGUF");
    writeText(folder / "model.safetensors", "x");
    fs::create_symlink("circle", folder / "circle");
    const struct {
        const char* name;
        const char* says;
    } cases[] = {{"model.gguf", "is a GGUF file"},
                 {"model.safetensors", "is a file of weights alone"},
                 {"circle", "is not a folder"},
                 {"nothing", "is not a folder"}};
    for (const auto& c : cases)
        EXPECT_THAT(complaintOf<InputError>([&] { Model::load(folder / c.name); }),
                    testing::AllOf(HasSubstr(c.name), HasSubstr(c.says)));
}

}  // namespace
}  // namespace fluxscope
