// The forward pass that has a gradient against the engine's own: the same logits for every family, full and sparse.
#include "engine/train/forward.h"

#include "engine/checkpoint/json_file.h"
#include "engine/engine.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/safetensors_writer.h"
#include "tests/fixture/tiny_model.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace fluxscope::train {
namespace {

struct Family {
    const char* name;
    nlohmann::json changes;  // of the tiny model's config.json
    bool routers = false;
};

// A folder of the tiny model's size with a family's config.json, and random weights for every tensor that it asks for.
std::filesystem::path writeFamily(const TempFolder& folder, const Family& family) {
    const TinyModelOptions options{.layers = 3,
                                   .hidden = 48,
                                   .heads = 4,
                                   .kvHeads = 2,
                                   .headDim = 16,
                                   .inner = 64,
                                   .context = 1024,
                                   .poolSize = 8,
                                   .routers = false,
                                   .tiedEmbeddings = true};
    writeTinyModel(folder.path(), options);
    nlohmann::json config = readJsonObject(folder / "config.json", 1 << 20);
    config.update(family.changes);
    writeText(folder / "config.json", config.dump());
    FixtureRandom random(5);
    std::vector<FixtureTensor> tensors;
    for (const auto& [name, shape] : backboneShapes(readConfig(folder.path()))) {
        FixtureTensor tensor{.name = name, .shape = shape, .values = {}};
        const bool norm = name.find("norm") != std::string::npos;
        const float deviation =
            norm || shape.size() == 1 ? 0.1F : 1 / std::sqrt(static_cast<float>(shape.back()));
        for (std::int64_t i = 0; i < elementsOf(shape); ++i)
            tensor.values.push_back((norm ? 1.0F : 0.0F) + deviation * random.normal());
        tensors.push_back(std::move(tensor));
    }
    writeSafetensors(folder / "model.safetensors", tensors, FixtureType::F32);
    return folder.path();
}

std::vector<TokenId> randomIds(std::int64_t count, std::uint64_t seed) {
    FixtureRandom random(seed);
    std::vector<TokenId> ids;
    for (std::int64_t i = 0; i < count; ++i) ids.push_back(TokenId::of(random.next() % 765));
    return ids;
}

at::Tensor tensorOf(const std::vector<TokenId>& ids) {
    std::vector<std::int64_t> numbers;
    for (const TokenId id : ids) numbers.push_back(id.value());
    return at::tensor(numbers, at::kLong).unsqueeze(0);
}

// The largest difference of a row in parts of that row's largest absolute logit; over all rows the worst.
double worstDifference(const at::Tensor& mine, const std::vector<float>& theirs) {
    const std::int64_t rows = mine.size(0);
    const std::int64_t columns = mine.size(1);
    const at::Tensor contiguous = mine.contiguous();
    const float* const values = contiguous.const_data_ptr<float>();
    double worst = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
        double most = 0;
        double difference = 0;
        for (std::int64_t i = row * columns; i < (row + 1) * columns; ++i) {
            const double theirsHere = theirs[static_cast<std::size_t>(i)];
            most = std::max(most, std::abs(theirsHere));
            difference = std::max(difference, std::abs(values[i] - theirsHere));
        }
        worst = std::max(worst, difference / most);
    }
    return worst;
}

double differenceOf(const std::filesystem::path& folder, const SparseForm& form, double full,
                    std::int64_t tokens) {
    const std::vector<TokenId> ids = randomIds(tokens, 3);
    ForwardRequest request;
    request.ids = ids;
    request.policy = full == 1 ? Policy{FullPolicy{}} : Policy{SparsePolicy{}};
    request.sparse = form;
    request.endPosition = tokens;
    const ForwardResult theirs = Model::load(folder)->forward(request, CancelToken{});

    const c10::NoGradGuard noGradient;
    const Checkpoint checkpoint = openCheckpoint(folder);
    const Weights weights = loadWeights(checkpoint, Compute{}, {}, nullptr);
    const Forward forward(checkpoint.config, weights, form, at::kFloat);
    const LengthPlan plan = forward.plan(tokens);
    at::Tensor hidden = forward.embed(tensorOf(ids));
    for (std::int64_t i = 0; i < checkpoint.config.layers; ++i)
        hidden =
            forward.layer(i, hidden, plan, [&](const at::Tensor&) { return at::full({1}, full, at::kFloat); })
                .hidden;
    return worstDifference(forward.logits(hidden[0]), theirs.logits);
}

const std::vector<Family>& families() {
    static const std::vector<Family> all = {
        {"Qwen3", nlohmann::json::object()},
        {"Llama3",
         {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"attention_bias", true},
          {"mlp_bias", true},
          {"tie_word_embeddings", false},
          {"rope_scaling",
           {{"rope_type", "llama3"},
            {"factor", 4.0},
            {"low_freq_factor", 1.0},
            {"high_freq_factor", 4.0},
            {"original_max_position_embeddings", 128}}}}},
        {"Mistral with a window",
         {{"architectures", {"MistralForCausalLM"}}, {"model_type", "mistral"}, {"sliding_window", 50}}},
        {"Qwen2 with windows in its last layer",
         {{"architectures", {"Qwen2ForCausalLM"}},
          {"model_type", "qwen2"},
          {"use_sliding_window", true},
          {"sliding_window", 70},
          {"max_window_layers", 2}}},
    };
    return all;
}

TEST(TrainForward, givesTheEnginesLogitsForEveryFamilyFullAndSparse) {
    const SparseForm token = parseSparseForm("streaming:sink=5,window=40");
    const SparseForm block = parseSparseForm("streaming:sink=100,window=130,granularity=block");
    for (const Family& family : families()) {
        const TempFolder folder;
        const auto path = writeFamily(folder, family);
        EXPECT_LT(differenceOf(path, token, 1, 150), 1e-4) << family.name << ", full";
        EXPECT_LT(differenceOf(path, token, 0, 150), 1e-4) << family.name << ", sparse by tokens";
        EXPECT_LT(differenceOf(path, block, 0, 700), 1e-4) << family.name << ", sparse by blocks";
    }
}

TEST(TrainForward, sparseBandsThatHideNothingAreCausalAttention) {
    const BandRule rule = sparseRule(parseSparseForm("streaming:sink=8,window=32"), std::nullopt);
    EXPECT_TRUE(Band(rule, 40, at::kCPU).causal());
    EXPECT_FALSE(Band(rule, 41, at::kCPU).causal());
}

TEST(TrainForward, aFormThatHasNoGradientIsRefused) {
    EXPECT_EQ(
        complaintOf<UsageError>([] { requireTrainable(parseSparseForm("xattention")); }),
        "--sparse: is xattention, and routers are trained against streaming attention only; write it as "
        "streaming:sink=128,window=2048,granularity=token");
}

}  // namespace
}  // namespace fluxscope::train
