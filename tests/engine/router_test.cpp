// The router and its probe, held against the definition written out in plain loops.
#include "engine/router/router.h"

#include "engine/checkpoint/checkpoint.h"
#include "engine/router/entropy.h"
#include "engine/router/probe.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/tiny_model.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

constexpr std::int64_t kPool = 8;
constexpr TinyModelOptions kSmall{.layers = 3,
                                  .hidden = 64,
                                  .heads = 4,
                                  .kvHeads = 2,
                                  .headDim = 16,
                                  .inner = 96,
                                  .context = 256,
                                  .poolSize = kPool};

Transformer transformerOf(const TinyModelOptions& options) {
    const TempFolder folder;
    const c10::InferenceMode inference;
    Checkpoint checkpoint = openCheckpoint(writeTinyModel(folder.path(), options), std::nullopt);
    Weights weights = loadWeights(checkpoint, Compute{}, {}, nullptr);
    return {std::move(checkpoint.config), std::move(weights), Compute{}};
}

std::vector<TokenId> randomIds(std::int64_t count, std::uint64_t seed) {
    FixtureRandom random(seed);
    std::vector<TokenId> ids;
    for (std::int64_t i = 0; i < count; ++i) ids.push_back(TokenId::of(random.next() % 765));
    return ids;
}

// A prompt under full attention, in one piece: what goes into each layer, and the queries its router sees.
struct FullPass {
    std::vector<at::Tensor> hidden;   // by layer: [tokens, hidden]
    std::vector<at::Tensor> queries;  // by layer: [tokens, heads, dim]
};

FullPass fullPass(const Transformer& model, const std::vector<TokenId>& ids, const Tracer& at) {
    const ModelConfig& config = model.config();
    const auto tokens = std::ssize(ids);
    const RotaryTable rotary = model.rotary(tokens);
    FullPass pass;
    at::Tensor hidden = model.embed(ids, at);
    for (std::int64_t l = 0; l < config.layers; ++l) {
        pass.hidden.push_back(hidden.clone());
        const Qkv qkv = model.project(LayerIndex::of(l), hidden, rotary.rows(0, tokens), at);
        pass.queries.push_back(model.routerQueries(LayerIndex::of(l), hidden, at).clone());
        const auto byHead = [&](const at::Tensor& x) {
            return x.repeat_interleave(config.heads / x.size(1), 1).transpose(0, 1).unsqueeze(0);
        };
        const at::Tensor attended =
            at::scaled_dot_product_attention(byHead(qkv.q), byHead(qkv.k), byHead(qkv.v), {}, 0.0, true);
        model.finish(LayerIndex::of(l), hidden, attended.squeeze(0).transpose(0, 1).contiguous(), at);
    }
    return pass;
}

std::vector<double> affine(const Linear& linear, const std::vector<double>& x) {
    const float* weight = linear.weight.const_data_ptr<float>();
    std::vector<double> y;
    for (std::int64_t row = 0; row < linear.weight.size(0); ++row) {
        double sum = linear.bias.const_data_ptr<float>()[row];
        for (const double value : x) sum += value * static_cast<double>(*weight++);
        y.push_back(sum);
    }
    return y;
}

std::vector<double> silu(std::vector<double> x) {
    for (double& value : x) value /= 1 + std::exp(-value);
    return x;
}

// The facts in loops: concat(x[:P], x[-P:]), mean over tokens, mean over heads, encoder, head. Softmax: p = softmax(z)[1].
// Sigmoid: p = sigmoid(z). No noise.
double definedProbability(const RouterWeights& w, const at::Tensor& queries, std::int64_t tokens) {
    std::vector<std::int64_t> rows;
    for (std::int64_t t = 0; t < std::min(kPool, tokens); ++t) rows.push_back(t);
    for (std::int64_t t = std::max<std::int64_t>(0, tokens - kPool); t < tokens; ++t) rows.push_back(t);
    const at::Tensor q = queries.contiguous();
    const float* values = q.const_data_ptr<float>();
    std::vector<double> pooled(static_cast<std::size_t>(q.size(2)));
    for (const std::int64_t t : rows)
        for (std::int64_t h = 0; h < q.size(1); ++h)
            for (std::int64_t d = 0; d < q.size(2); ++d)
                pooled[static_cast<std::size_t>(d)] += values[(t * q.size(1) + h) * q.size(2) + d];
    for (double& value : pooled) value /= static_cast<double>(std::ssize(rows) * q.size(1));

    const std::vector<double> features = affine(w.feature2, silu(affine(w.feature0, pooled)));
    const std::vector<double> z = affine(w.head4, silu(affine(w.head2, silu(affine(w.head0, features)))));
    if (z.size() == 1) return 1 / (1 + std::exp(-z[0]));
    return std::exp(z[1]) / (std::exp(z[0]) + std::exp(z[1]));
}

// Small matrix products round differently by shape, so even what needs no decision differs in its last bits.
constexpr double kTolerance = 1e-5;

class RouterTest : public testing::TestWithParam<bool> {
protected:
    RouterTest() : model_(transformerOf(options())) {}
    static TinyModelOptions options() {
        TinyModelOptions options = kSmall;
        options.sigmoidRouters = GetParam();
        return options;
    }
    const RouterWeights& weights(std::int64_t layer) const {
        return model_.weights().routers[static_cast<std::size_t>(layer)];
    }

    c10::InferenceMode inference_;
    Observer nobody_;
    Tracer at_{nobody_, false, BatchIndex{}, Phase::Prefill, StepIndex{}};
    Transformer model_;
};

INSTANTIATE_TEST_SUITE_P(Head, RouterTest, testing::Bool(), [](const auto& test) {
    return test.param ? std::string("sigmoid") : std::string("softmax");
});

TEST_P(RouterTest, answersAsDefinedForPromptsOfEveryLength) {
    const Router router(model_, kPool);
    // One to three tokens, shorter than P, P, overlapping ends, just 2P, and none.
    for (const std::int64_t tokens : {1, 2, 3, 7, 8, 9, 15, 16, 17, 60}) {
        const FullPass pass = fullPass(model_, randomIds(tokens, 3), at_);
        for (std::int64_t l = 0; l < kSmall.layers; ++l) {
            const auto layer = static_cast<std::size_t>(l);
            const PendingLogits pending = router.start(LayerIndex::of(l), pass.hidden[layer], at_);
            EXPECT_NEAR(fullProbability(*pending.wait()),
                        definedProbability(weights(l), pass.queries[layer], tokens), kTolerance)
                << tokens << " tokens, layer " << l;
            EXPECT_EQ(pending.headMeans().sizes(),
                      (std::vector<std::int64_t>{2 * std::min(kPool, tokens), kSmall.headDim}));
            EXPECT_EQ(pending.wait(), router.start(LayerIndex::of(l), pass.hidden[layer], at_).wait())
                << "no noise";
        }
    }
}

// The probe against a router that gets all of the text so far as its prompt.
TEST_P(RouterTest, probeSaysWhatARouterOfTheLongerPromptWould) {
    constexpr std::int64_t kSteps = 24;
    const Router router(model_, kPool, 2);
    // Decoded together, two and two: the ends of one prompt may overlap while the other's are far apart.
    const std::vector<std::pair<std::int64_t, std::int64_t>> pairs{
        {1, 30}, {2, 7}, {3, 16}, {8, 9}, {15, 20}};
    for (const auto& [first, second] : pairs) {
        const std::vector<std::int64_t> prompts{first, second};
        std::vector<FullPass> passes;
        std::vector<PromptEnds> ends;
        for (std::size_t s = 0; s < 2; ++s) {
            passes.push_back(fullPass(model_, randomIds(prompts[s] + kSteps, 5 + s), at_));
            ends.push_back({.tokens = prompts[s], .headMeans = {}});
            for (std::int64_t l = 0; l < kSmall.layers; ++l) {
                const at::Tensor prompt =
                    passes[s].hidden[static_cast<std::size_t>(l)].slice(0, 0, prompts[s]);
                ends[s].headMeans.push_back(
                    router.start(LayerIndex::of(l), prompt, at_, static_cast<std::int64_t>(s)).headMeans());
            }
        }
        RouterProbe probe(router, ends);
        for (std::int64_t step = 0; step <= kSteps; ++step) {
            const std::vector<std::vector<RouterLogits>> said = probe.logits();
            for (std::size_t l = 0; l < std::size_t{kSmall.layers}; ++l)
                for (std::size_t s = 0; s < 2; ++s)
                    EXPECT_NEAR(fullProbability(said[l][s]),
                                definedProbability(weights(static_cast<std::int64_t>(l)),
                                                   passes[s].queries[l], prompts[s] + step),
                                kTolerance)
                        << prompts[s] << " + " << step << " tokens, layer " << l;
            if (step == kSteps) break;
            for (std::size_t l = 0; l < std::size_t{kSmall.layers}; ++l) {
                const at::Tensor padding = at::ones_like(passes[0].queries[l][0]);
                probe.push(LayerIndex::of(l), at::stack({passes[0].queries[l][prompts[0] + step],
                                                         passes[1].queries[l][prompts[1] + step], padding}));
            }
        }
    }
}

TEST(Router, ofAModelWithoutRoutersSaysNothing) {
    const c10::InferenceMode inference;
    TinyModelOptions options = kSmall;
    options.routers = false;
    const Transformer model = transformerOf(options);
    const Router router(model, kPool);
    EXPECT_FALSE(router.present());
    Observer nobody;
    const Tracer at(nobody, false, BatchIndex{}, Phase::Prefill, StepIndex{});
    const PendingLogits pending = router.start(LayerIndex(0), at::ones({4, 64}), at);
    EXPECT_FALSE(pending.wait());
    EXPECT_FALSE(pending.headMeans().defined());
}

TEST(Probe, mayTurnALayerSparseAndNeverFull) {
    const Policy policy = RoutedPolicy{.threshold = 0.5, .layerThresholds = {{LayerIndex(1), 0.9}}};
    const RouterLogits high{.sparse = 0, .full = logitOf(0.8)};
    const RouterLogits low{.sparse = 0, .full = logitOf(0.2)};
    const Decision full{
        .attention = Attention::Full, .by = DecidedBy::Router, .logits = high, .threshold = 0.5};
    const Decision sparse{
        .attention = Attention::Sparse, .by = DecidedBy::Router, .logits = low, .threshold = 0.5};
    const auto after = [&](int layer, const Decision& current, const RouterLogits& logits, bool act) {
        return reconsidered(policy, LayerIndex(layer), current, logits, act);
    };
    EXPECT_EQ(after(0, full, low, true).attention, Attention::Sparse);
    EXPECT_EQ(after(0, full, high, true).attention, Attention::Full);
    EXPECT_EQ(after(0, sparse, high, true).attention, Attention::Sparse);
    EXPECT_EQ(after(0, full, low, false).attention, Attention::Full) << "it only looks";
    EXPECT_EQ(after(1, full, high, true).attention, Attention::Sparse) << "its own threshold is 0.9";
    EXPECT_EQ(after(1, full, high, true).threshold, 0.9);
    EXPECT_EQ(after(0, full, low, true).by, DecidedBy::Probe);
    EXPECT_EQ(after(0, full, low, true).logits, low);

    const Decision kept =
        reconsidered(FullPolicy{}, LayerIndex(0), {.attention = Attention::Full}, low, true);
    EXPECT_EQ(kept.attention, Attention::Full) << "policy full asks no router";
    EXPECT_EQ(kept.logits, low);
}

TEST(Entropy, ofKnownSpectraIsWhatTheFormulaSays) {
    EXPECT_NEAR(truncatedEntropy(std::vector<double>{1, 1, 1, 1}, 64), std::log(4), 1e-15);
    EXPECT_NEAR(truncatedEntropy(std::vector<double>{3, 0, 1}, 64),
                -0.75 * std::log(0.75) - 0.25 * std::log(0.25), 1e-15);
    EXPECT_NEAR(truncatedEntropy(std::vector<double>{1, 3, 4}, 2),
                -0.5 * std::log(0.5) - 0.375 * std::log(0.375), 1e-15)
        << "the largest two, as shares of all three";
    EXPECT_EQ(truncatedEntropy(std::vector<double>{5, 0, -1e-18}, 64), 0);
    EXPECT_EQ(truncatedEntropy(std::vector<double>{0, 0}, 64), 0);
}

TEST(Entropy, ofAMatrixIsThatOfItsSquaredSingularValues) {
    const c10::InferenceMode inference;
    // Orthonormal rows: every direction alike.
    EXPECT_NEAR(truncatedMatrixEntropy(at::eye(6).slice(0, 0, 4).mul(3), 64), std::log(4), 1e-12);
    EXPECT_NEAR(truncatedMatrixEntropy(at::eye(6).slice(0, 0, 4), 2), 0.5 * std::log(4), 1e-12);
    // Every row the same: one direction.
    EXPECT_NEAR(truncatedMatrixEntropy(at::ones({9, 5}), 64), 0, 1e-12);
    EXPECT_EQ(truncatedMatrixEntropy(at::zeros({3, 5}), 64), 0);
    EXPECT_NEAR(truncatedMatrixEntropy(at::ones({1, 5}), 64), 0, 1e-12);

    EXPECT_TRUE(std::isnan(truncatedMatrixEntropy(at::ones({3, 5}).div(0), 64)));

    // The second route to the same number: singular values. Wide, high, and of 16 bits.
    const auto bySingularValues = [](const at::Tensor& x, std::int64_t largest) {
        const at::Tensor squares = at::linalg_svdvals(x.to(at::kDouble)).square().contiguous();
        const double* values = squares.const_data_ptr<double>();
        const double trace = squares.sum().item<double>();
        double entropy = 0;
        for (std::int64_t n = 0; n < std::min(largest, squares.numel()); ++n)
            entropy -= values[n] / trace * std::log(values[n] / trace);
        return entropy;
    };
    for (const auto& x : {at::randn({20, 50}), at::randn({50, 20}), at::randn({30, 40}).to(at::kBFloat16)})
        for (const std::int64_t largest : {1, 7, 64})
            EXPECT_NEAR(truncatedMatrixEntropy(x, largest), bySingularValues(x, largest), 1e-9);
}

TEST(Entropy, ofALongPromptTakesRowsAtEvenDistances) {
    const c10::InferenceMode inference;
    // Row n is the unit vector n mod 4, so that a sample at even distances has all four alike.
    const std::int64_t tokens = 8 * kEntropyRows;
    const at::Tensor x = at::eye(4).repeat_interleave(tokens / 4, 0);
    EXPECT_NEAR(truncatedMatrixEntropy(x, 64), std::log(4), 1e-4);
}

}  // namespace
}  // namespace fluxscope
