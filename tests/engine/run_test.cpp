// Runs of the tiny model: what must be equal is equal, what must be told is told, what cannot be run is refused.
#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace fluxscope {
namespace {

using testing::HasSubstr;

constexpr TinyModelOptions kSmall{.layers = 4,
                                  .hidden = 64,
                                  .heads = 4,
                                  .kvHeads = 2,
                                  .headDim = 16,
                                  .inner = 96,
                                  .context = 256,
                                  .poolSize = 8};

std::unique_ptr<Model> load(const TinyModelOptions& options) {
    const TempFolder folder;
    return Model::load(writeTinyModel(folder.path(), options));  // the mapping outlives the files
}

std::vector<TokenId> randomIds(std::int64_t count, std::uint64_t seed = 9) {
    FixtureRandom random(seed);
    std::vector<TokenId> ids;
    ids.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) ids.push_back(TokenId::of(random.next() % 765));
    return ids;
}

Prompt promptOf(PromptContent content) { return {.id = "p", .kind = "test", .content = std::move(content)}; }

ForwardResult forward(Model& model, std::int64_t tokens, const Policy& policy, const SparseForm& sparse,
                      std::int32_t chunk) {
    return model.forward({.ids = randomIds(tokens),
                          .policy = policy,
                          .sparse = sparse,
                          .chunkTokens = chunk,
                          .firstPosition = 0,
                          .endPosition = tokens},
                         CancelToken{});
}

float largestRelativeError(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size() || a.empty()) return INFINITY;
    float largest = 0;
    float error = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(b[i]));
        error = std::max(error, std::abs(a[i] - b[i]));
    }
    return error / largest;
}

class RunTest : public testing::Test {
protected:
    static void SetUpTestSuite() { shared() = load(kSmall); }
    static void TearDownTestSuite() { shared().reset(); }
    static Model& model() { return *shared(); }
    static std::unique_ptr<Model>& shared() {
        static std::unique_ptr<Model> model;
        return model;
    }
};

const SparseForm kNarrow{.sink = 4, .window = 12};
const Policy kMixed{MaskPolicy{{Attention::Full, Attention::Sparse, Attention::Sparse, Attention::Full}}};

TEST_F(RunTest, chunkedPrefillIsUnchunkedPrefill) {
    for (const Policy& policy :
         {Policy{FullPolicy{}}, Policy{SparsePolicy{}}, Policy{RoutedPolicy{}}, kMixed}) {
        for (const PrefillMode prefill : {PrefillMode::Streaming, PrefillMode::Full}) {
            SparseForm sparse = kNarrow;
            sparse.prefill = prefill;
            const ForwardResult whole = forward(model(), 90, policy, sparse, 1000);
            for (const std::int32_t chunk : {1, 7, 64}) {
                const ForwardResult chunked = forward(model(), 90, policy, sparse, chunk);
                EXPECT_LT(largestRelativeError(chunked.logits, whole.logits), 1e-5F)
                    << shortForm(policy) << " chunk " << chunk;
                for (std::size_t l = 0; l < whole.layers.size(); ++l)
                    EXPECT_EQ(chunked.layers[l].decision().attention, whole.layers[l].decision().attention);
            }
        }
    }
}

TEST_F(RunTest, sparseDiffersFromFullOnlyBehindTheWindow) {
    const ForwardResult full = forward(model(), 90, FullPolicy{}, kNarrow, 16);
    const ForwardResult sparse = forward(model(), 90, SparsePolicy{}, kNarrow, 16);
    const auto upTo = [](const ForwardResult& r, std::int64_t rows) {
        return std::vector<float>(r.logits.begin(), r.logits.begin() + rows * 768);
    };
    EXPECT_LT(largestRelativeError(upTo(sparse, 16), upTo(full, 16)), 1e-6F);  // sink + window hold them all
    EXPECT_GT(largestRelativeError(sparse.logits, full.logits), 1e-2F);
    SparseForm wide = kNarrow;
    wide.window = 90;
    EXPECT_LT(largestRelativeError(forward(model(), 90, SparsePolicy{}, wide, 16).logits, full.logits),
              1e-6F);
}

// Decoding over slots gives what prefill of the longer prompt gives: rings that wrap, rings not yet full, full layers.
TEST_F(RunTest, decodingIsPrefillOfTheLongerPrompt) {
    for (const Policy& policy : {Policy{FullPolicy{}}, Policy{SparsePolicy{}}, kMixed}) {
        for (const std::int64_t tokens : {1, 5, 15, 16, 17, 29, 70}) {
            RunRequest request{.prompts = {promptOf(randomIds(tokens))},
                               .policy = policy,
                               .sparse = kNarrow,
                               .maxNew = 40,
                               .chunkTokens = 9};
            request.stopAtEos = false;
            Observer nobody;
            const TurnResult run = model().run(request, nobody, CancelToken{}).sequences.front().first();
            ASSERT_EQ(run.ids.size(), 40U);
            std::vector<TokenId> longer = run.promptIds;
            longer.insert(longer.end(), run.ids.begin(), run.ids.end() - 1);
            const auto end = static_cast<std::int64_t>(longer.size());
            const ForwardResult whole = model().forward({.ids = longer,
                                                         .policy = policy,
                                                         .sparse = kNarrow,
                                                         .chunkTokens = 0,
                                                         .firstPosition = tokens - 1,
                                                         .endPosition = end},
                                                        CancelToken{});
            for (std::size_t n = 0; n < run.ids.size(); ++n) {
                const auto row = whole.logits.begin() + static_cast<std::ptrdiff_t>(n) * 768;
                const float largest = *std::max_element(row, row + 768);
                double sum = 0;
                for (auto z = row; z != row + 768; ++z) sum += std::exp(static_cast<double>(*z - largest));
                const double logprob = row[run.ids[n].value()] - largest - std::log(sum);
                ASSERT_NEAR(run.logprobs[n], logprob, 1e-4)
                    << shortForm(policy) << " prompt " << tokens << " token " << n;
                ASSERT_GT(row[run.ids[n].value()], largest - 1e-3F) << "not the greedy token";
            }
        }
    }
}

TEST_F(RunTest, denseDecodingOfASparseLayerKeepsEverything) {
    SparseForm form = kNarrow;
    form.decode = DecodeMode::Dense;
    const RunRequest request{
        .prompts = {promptOf(randomIds(50))}, .policy = SparsePolicy{}, .sparse = form, .maxNew = 10};
    Observer nobody;
    const TurnResult run = model().run(request, nobody, CancelToken{}).sequences.front().first();
    EXPECT_EQ(run.layers[0].kv.bytesFreed, 0);
    EXPECT_EQ(run.layers[0].kv.bytesKept, 59 * 2 * 2 * 16 * 4);
}

TEST_F(RunTest, keysAndValuesAreCounted) {
    const RunRequest request{
        .prompts = {promptOf(randomIds(50))}, .policy = kMixed, .sparse = kNarrow, .maxNew = 10};
    Observer nobody;
    const TurnResult run = model().run(request, nobody, CancelToken{}).sequences.front().first();
    const std::int64_t slot = 2 * 2 * 16 * 4;  // k and v, kvHeads, dim, fp32
    EXPECT_EQ(run.layers[0].kv.bytesKept, 59 * slot);
    EXPECT_EQ(run.layers[0].kv.bytesFreed, 0);
    EXPECT_EQ(run.layers[1].kv.bytesKept, 16 * slot);
    EXPECT_EQ(run.layers[1].kv.bytesFreed, 43 * slot);
    EXPECT_EQ(run.kvBytes, 2 * (59 + 16) * slot);
}

TEST_F(RunTest, routersSpeakUnderEveryPolicy) {
    const ForwardResult routed = forward(model(), 60, RoutedPolicy{}, kNarrow, 0);
    const ForwardResult full = forward(model(), 60, FullPolicy{}, kNarrow, 0);
    ASSERT_TRUE(full.layers[0].decision().logits.has_value());
    EXPECT_EQ(full.layers[0].decision().by, DecidedBy::Policy);
    EXPECT_EQ(routed.layers[0].decision().by, DecidedBy::Router);
    EXPECT_EQ(*full.layers[0].decision().logits, *routed.layers[0].decision().logits)
        << "nothing stands before the first router";
    for (const LayerRouting& layer : routed.layers)
        EXPECT_EQ(layer.decision().attention == Attention::Full,
                  fullProbability(*layer.decision().logits) > 0.5);
}

TEST_F(RunTest, theSameRunTwiceIsTheSameRun) {
    const RunRequest request{.prompts = {promptOf(std::string("The river ran past the old mill."))},
                             .policy = RoutedPolicy{},
                             .maxNew = 20};
    Observer nobody;
    const TurnResult a = model().run(request, nobody, CancelToken{}).sequences.front().first();
    const TurnResult b = model().run(request, nobody, CancelToken{}).sequences.front().first();
    EXPECT_EQ(a.ids, b.ids);
    EXPECT_EQ(a.logprobs, b.logprobs);
}

TEST(Weights, areReadFromShardsAndFrom16Bits) {
    TinyModelOptions options = kSmall;
    options.tiedEmbeddings = false;
    const auto whole = load(options);
    options.shards = 3;
    const auto shards = load(options);
    const auto logits = forward(*whole, 20, FullPolicy{}, kNarrow, 0).logits;
    EXPECT_EQ(forward(*shards, 20, FullPolicy{}, kNarrow, 0).logits, logits);
    options.type = FixtureType::BF16;
    const float error =
        largestRelativeError(forward(*load(options), 20, FullPolicy{}, kNarrow, 0).logits, logits);
    EXPECT_GT(error, 0.0F);
    EXPECT_LT(error, 0.1F);
}

TEST(Routers, mayHaveOneLogit) {
    TinyModelOptions options = kSmall;
    options.sigmoidRouters = true;
    for (const LayerRouting& layer : forward(*load(options), 30, RoutedPolicy{}, kNarrow, 0).layers) {
        EXPECT_EQ(layer.decision().logits->sparse, 0.0F);
        EXPECT_NE(layer.decision().logits->full, 0.0F);
    }
}

TEST(Routers, mayBeMissing) {
    TinyModelOptions options = kSmall;
    options.routers = false;
    const auto model = load(options);
    EXPECT_EQ(model->facts().routerParameters, 0);
    EXPECT_FALSE(forward(*model, 30, FullPolicy{}, kNarrow, 0).layers[0].decision().logits.has_value());
    EXPECT_NE(complaintOf<UsageError>([&] { forward(*model, 30, RoutedPolicy{}, kNarrow, 0); }), "");
}

// Writes down what it is told, one line each; scopes as they open and close.
class Scribe : public Observer {
public:
    std::ostringstream log;
    int open = 0;
    std::function<void()> onDecision;
    std::function<void()> onToken;
    bool ops = true;
    cost::Cost cost;

    ObserverNeeds needs() const override { return {.opScopes = ops}; }
    void runBegan(const RunFacts& facts) override {
        log << "run of " << facts.sequences.size() << " chunk " << facts.chunkTokens << '\n';
    }
    void batchBegan(BatchIndex b, std::span<const SequenceIndex> s) override {
        log << "batch " << b.value() << " of " << s.size() << '\n';
    }
    void scopeOpened(const ScopeKey& key) override {
        log << std::string(2 * ++open, ' ') << text(key) << '\n';
    }
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override {
        --open;
        EXPECT_EQ(shape.has_value(), key.op.has_value());
        if (shape) cost += costOf(*shape);
    }
    void decided(SequenceIndex s, TurnIndex, StepIndex, LayerIndex l, const Decision& d) override {
        log << "decided " << s.value() << " layer " << l.value() << ' ' << nameOf(d.attention) << '\n';
        if (onDecision) onDecision();
    }
    void kvSettled(SequenceIndex, TurnIndex, StepIndex, LayerIndex l, const KvFacts& kv) override {
        log << "kv layer " << l.value() << " kept " << kv.bytesKept << '\n';
    }
    void tokenEmitted(SequenceIndex, TurnIndex, StepIndex step, const TokenFacts& token) override {
        log << "token step " << step.value() << '\n';
        tokenText += token.text;
        if (onToken) onToken();
    }
    void batchEnded(BatchIndex b) override { log << "batch " << b.value() << " ended\n"; }
    void runEnded(RunOutcome outcome, const std::string& reason) override {
        EXPECT_EQ(open, 0) << "scopes are closed before the run ends";
        log << "run " << nameOf(outcome) << (reason.empty() ? "" : ": " + reason) << '\n';
    }

    std::string tokenText;

private:
    static std::string text(const ScopeKey& key) {
        std::ostringstream out;
        out << nameOf(key.phase) << ' ' << key.step.value();
        if (key.layer) out << " layer " << key.layer->value();
        if (key.chunk) out << " chunk " << key.chunk->value();
        if (key.op) out << ' ' << nameOf(*key.op);
        return out.str();
    }
};

TEST(Observed, inTheOrderOfThePass) {
    TinyModelOptions options = kSmall;
    options.layers = 1;
    const auto model = load(options);
    Scribe scribe;
    RunRequest request{
        .prompts = {promptOf(randomIds(5))}, .policy = FullPolicy{}, .maxNew = 2, .chunkTokens = 3};
    request.stopAtEos = false;
    model->run(request, scribe, CancelToken{});
    EXPECT_EQ("\n" + scribe.log.str(), R"(
run of 1 chunk 3
batch 0 of 1
  prefill 0
    prefill 0 embed
    prefill 0 layer 0
      prefill 0 layer 0 norm
      prefill 0 layer 0 qkv
      prefill 0 layer 0 router
      prefill 0 layer 0 chunk 0
        prefill 0 layer 0 chunk 0 norm
        prefill 0 layer 0 chunk 0 qkv
        prefill 0 layer 0 chunk 0 rope
decided 0 layer 0 full
        prefill 0 layer 0 chunk 0 kv-write
        prefill 0 layer 0 chunk 0 attention
        prefill 0 layer 0 chunk 0 output
        prefill 0 layer 0 chunk 0 norm
        prefill 0 layer 0 chunk 0 mlp
      prefill 0 layer 0 chunk 1
        prefill 0 layer 0 chunk 1 norm
        prefill 0 layer 0 chunk 1 qkv
        prefill 0 layer 0 chunk 1 rope
        prefill 0 layer 0 chunk 1 kv-write
        prefill 0 layer 0 chunk 1 attention
        prefill 0 layer 0 chunk 1 output
        prefill 0 layer 0 chunk 1 norm
        prefill 0 layer 0 chunk 1 mlp
kv layer 0 kept 1536
    prefill 0 norm
    prefill 0 head
    prefill 0 sample
token step 0
  decode 1
    decode 1 embed
    decode 1 layer 0
      decode 1 layer 0 norm
      decode 1 layer 0 qkv
      decode 1 layer 0 rope
      decode 1 layer 0 kv-write
      decode 1 layer 0 attention
      decode 1 layer 0 output
      decode 1 layer 0 norm
      decode 1 layer 0 mlp
    decode 1 norm
    decode 1 head
    decode 1 sample
token step 1
batch 0 ended
run finished
)");
    EXPECT_GT(scribe.cost.flops, 0);
}

TEST_F(RunTest, withoutOpScopesOnlyTheNestIsTold) {
    Scribe scribe;
    scribe.ops = false;
    model().run({.prompts = {promptOf(randomIds(5))}, .policy = FullPolicy{}, .maxNew = 2}, scribe,
                CancelToken{});
    EXPECT_THAT(scribe.log.str(), testing::Not(HasSubstr("attention")));
    EXPECT_THAT(scribe.log.str(), HasSubstr("prefill 0 layer 3 chunk 0"));
}

TEST_F(RunTest, promptsAreBatchesInOrder) {
    Scribe scribe;
    RunRequest request{
        .prompts = {promptOf(randomIds(5)), promptOf(randomIds(9))}, .policy = RoutedPolicy{}, .maxNew = 1};
    request.prompts[1].id = "q";
    const RunResult result = model().run(request, scribe, CancelToken{});
    EXPECT_EQ(result.sequences[1].promptId, "q");
    EXPECT_THAT(scribe.log.str(), HasSubstr("batch 0 ended\nbatch 1 of 1\n"));
    EXPECT_THAT(scribe.log.str(), HasSubstr("decided 1 layer 3"));
}

TEST_F(RunTest, cancellingInPrefillEndsTheRun) {
    Scribe scribe;
    CancelToken cancel;
    scribe.onDecision = [&] { cancel.cancel(); };
    EXPECT_THROW(
        model().run(
            {.prompts = {promptOf(randomIds(60))}, .policy = FullPolicy{}, .maxNew = 2, .chunkTokens = 10},
            scribe, cancel),
        CancelledError);
    EXPECT_THAT(scribe.log.str(), testing::EndsWith("run cancelled: the run: was cancelled\n"));
    EXPECT_THAT(scribe.log.str(), testing::Not(HasSubstr("layer 0 chunk 1")));
    EXPECT_THAT(scribe.log.str(), testing::Not(HasSubstr("batch 0 ended")));
}

TEST_F(RunTest, cancellingInDecodeEndsTheRun) {
    Scribe scribe;
    CancelToken cancel;
    scribe.onToken = [&] { cancel.cancel(); };
    RunRequest request{.prompts = {promptOf(randomIds(20))}, .policy = FullPolicy{}, .maxNew = 50};
    request.stopAtEos = false;
    EXPECT_THROW(model().run(request, scribe, cancel), CancelledError);
    EXPECT_THAT(scribe.log.str(), testing::EndsWith("token step 0\nrun cancelled: the run: was cancelled\n"));
}

TEST_F(RunTest, tokensAddUpToTheText) {
    Scribe scribe;
    RunRequest request{
        .prompts = {promptOf(std::string("The river \xFF ran"))}, .policy = RoutedPolicy{}, .maxNew = 60};
    request.stopAtEos = false;
    const TurnResult run = model().run(request, scribe, CancelToken{}).sequences.front().first();
    EXPECT_EQ(run.ids.size(), 60U);
    EXPECT_EQ(scribe.tokenText, run.text);
}

TEST_F(RunTest, aPromptThatFillsTheContextGivesOneToken) {
    Observer nobody;
    RunRequest request{.prompts = {promptOf(randomIds(256)), promptOf(randomIds(250))},
                       .policy = FullPolicy{},
                       .maxNew = 60};
    request.stopAtEos = false;
    const RunResult result = model().run(request, nobody, CancelToken{});
    EXPECT_EQ(result.sequences[0].first().ids.size(), 1U);
    EXPECT_EQ(result.sequences[1].first().ids.size(), 7U);
}

TEST_F(RunTest, whatCannotBeRunIsRefusedBeforeAnythingIsTold) {
    const auto complaint = [](const RunRequest& request) {
        Scribe scribe;
        std::string said = complaintOf<UsageError>([&] { model().run(request, scribe, CancelToken{}); });
        EXPECT_EQ(scribe.log.str(), "");
        return said;
    };
    const auto with = [](PromptContent content) {
        return RunRequest{.prompts = {promptOf(std::move(content))}, .policy = FullPolicy{}};
    };
    EXPECT_THAT(complaint({}), HasSubstr("prompts are missing"));
    EXPECT_THAT(complaint(with(std::string())), HasSubstr("prompt p: is empty"));
    EXPECT_THAT(complaint(with(randomIds(257))),
                HasSubstr("has 257 tokens but the model's context holds 256"));
    EXPECT_THAT(complaint(with(std::vector<TokenId>{TokenId(1), TokenId(768)})), HasSubstr("ids[1] is 768"));
    EXPECT_THAT(complaint(with(std::vector<TokenId>{TokenId(-1)})), HasSubstr("ids[0] is -1"));
    EXPECT_THAT(complaint(with(std::vector<ChatMessage>{{"user", "hello"}})), HasSubstr("chat template"));
    RunRequest none = with(randomIds(3));
    none.maxNew = 0;
    EXPECT_THAT(complaint(none), HasSubstr("--max-new"));
    RunRequest nothing = with(randomIds(3));
    nothing.sparse = SparseForm{.window = 0};
    EXPECT_THAT(complaint(nothing), HasSubstr("window"));
    RunRequest unfit = with(randomIds(3));
    unfit.policy = MaskPolicy{{Attention::Full}};
    EXPECT_NE(complaint(unfit), "");
}

TEST_F(RunTest, positionsOutsideThePromptAreRefused) {
    for (const auto& [first, end] : std::vector<std::pair<int, int>>{{-1, 2}, {2, 1}, {0, 4}})
        EXPECT_THAT(complaintOf<UsageError>([&, a = first, b = end] {
                        model().forward({.ids = randomIds(3),
                                         .policy = FullPolicy{},
                                         .chunkTokens = 0,
                                         .firstPosition = a,
                                         .endPosition = b},
                                        CancelToken{});
                    }),
                    HasSubstr("--positions"));
}

TEST(Load, tellsItsProgressAndCanBeCancelled) {
    const TempFolder folder;
    writeTinyModel(folder.path(), kSmall);
    LoadProgress last;
    Model::load(folder.path(), {}, [&](const LoadProgress& p) {
        EXPECT_GT(p.bytesDone, last.bytesDone);
        last = p;
    });
    EXPECT_EQ(last.bytesDone, last.bytesTotal);
    CancelToken cancel;
    EXPECT_THROW(Model::load(
                     folder.path(), {}, [&](const LoadProgress&) { cancel.cancel(); }, &cancel),
                 CancelledError);
}

TEST(Load, refusesWhatTheCpuDoesNotCompute) {
    const TempFolder folder;
    writeTinyModel(folder.path(), kSmall);
    EXPECT_THAT(complaintOf<MachineError>([&] { Model::load(folder.path(), {.dtype = cost::DType::F16}); }),
                HasSubstr("--dtype"));
}

TEST(Load, refusesATokenizerLargerThanTheVocabulary) {
    const TempFolder folder;
    writeTinyModel(folder.path(), kSmall);
    std::ifstream in(folder / "tokenizer.json");
    auto json = nlohmann::json::parse(in);
    json["added_tokens"][2]["id"] = 768;
    writeText(folder / "tokenizer.json", json.dump());
    EXPECT_THAT(complaintOf<InputError>([&] { Model::load(folder.path()); }),
                HasSubstr("has ids up to 768 but config.json says a vocabulary of 768"));
}

}  // namespace
}  // namespace fluxscope
