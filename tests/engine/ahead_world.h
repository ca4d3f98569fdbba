// Runs that choose their tokens where the model computes beside runs that do not, on a device of one's choice: a small model
// whose answers end early and often, and logits without a model.
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/generate/batch_run.h"
#include "engine/sampling/choice_ring.h"
#include "engine/sampling/device_sampler.h"
#include "engine/transformer/weights.h"
#include "tests/engine/support.h"
#include "tests/fixture/random.h"
#include "tests/fixture/tiny_model.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace fluxscope {

// --- logits without a model -----------------------------------------------------------------------------------------------

inline std::vector<SamplingOptions> manySamplings() {
    std::vector<SamplingOptions> all = {{}, {.repetitionPenalty = 1.3}, {.repetitionPenalty = 0.8}};
    for (const double temperature : {0.3, 1.0, 2.5})
        for (const std::int32_t topK : {0, 1, 7, 100, 1'000'000})
            for (const double topP : {1.0, 0.95, 0.5, 1e-6})
                for (const double minP : {0.0, 0.05, 1.0})
                    for (const double penalty : {1.0, 1.2})
                        all.push_back({.temperature = temperature,
                                       .topK = topK,
                                       .topP = topP,
                                       .minP = minP,
                                       .repetitionPenalty = penalty});
    return all;
}

inline std::string nameOf(const SamplingOptions& o) {
    return "temperature " + std::to_string(o.temperature) + " top-k " + std::to_string(o.topK) + " top-p " +
           std::to_string(o.topP) + " min-p " + std::to_string(o.minP) + " penalty " +
           std::to_string(o.repetitionPenalty);
}

// How near the drawn number comes to a border between two candidates.
inline double nearestBorder(const std::vector<Candidate>& candidates, double drawn) {
    double nearest = 1;
    double mass = 0;
    for (const Candidate& candidate : candidates) {
        mass += candidate.probability;
        nearest = std::min(nearest, std::abs(mass - drawn));
    }
    return nearest;
}

inline void expectSameChoice(const TokenChoice& device, const TokenChoice& host, const std::string& what) {
    EXPECT_NEAR(device.logprob, host.logprob, 1e-5) << what;
    EXPECT_NEAR(device.tailMass, host.tailMass, 1e-6) << what;
    ASSERT_EQ(device.top.size(), host.top.size()) << what;
    for (std::size_t i = 0; i < host.top.size(); ++i) {
        EXPECT_EQ(device.top[i].id, host.top[i].id) << what << " place " << i;
        EXPECT_NEAR(device.top[i].logprob, host.top[i].logprob, 1e-5) << what << " place " << i;
    }
}

// Every sampling, every row with a text of its own; the last sequence is always given its token, and a row is padding.
inline void expectDeviceSamples(const Compute& compute, std::int64_t vocabulary, std::int32_t steps) {
    const c10::InferenceMode inference;
    constexpr std::size_t kSequences = 3;
    constexpr std::int64_t kRows = 4;
    constexpr std::uint64_t kSeed = 11;
    FixtureRandom random(5);
    int drawnElsewhere = 0;
    for (const SamplingOptions& options : manySamplings()) {
        const Sampler host(options, kSeed);
        DeviceSampler device(compute, options, vocabulary, false);
        ChoiceRing ring(compute, kRows, 3);
        std::vector<std::vector<TokenId>> texts(kSequences);
        for (std::vector<TokenId>& text : texts)
            for (int i = 0; i < 20; ++i)
                text.push_back(TokenId::of(random.next() % static_cast<std::uint64_t>(vocabulary)));
        device.begin(kRows, std::vector<std::span<const TokenId>>(texts.begin(), texts.end()));
        const at::Tensor ids = at::zeros({kRows}, compute.options().dtype(at::kLong));
        for (std::int32_t n = 0; n < steps; ++n) {
            std::vector<float> logits(static_cast<std::size_t>(kRows * vocabulary));
            // Every other step has the logits of a 16-bit model: many are equal.
            for (float& logit : logits) {
                logit = 3 * random.normal();
                if (n % 2 == 1) logit = std::round(4 * logit) / 4;
            }
            std::vector<RowInput> inputs;
            for (std::size_t r = 0; r < kSequences; ++r)
                inputs.push_back(
                    {.given = r + 1 == kSequences ? std::optional(TokenId(n)) : std::nullopt,
                     .drawn = uniformAt(kSeed, {SequenceIndex::of(r), TurnIndex{}, StepIndex(n)})});
            const at::Tensor here =
                at::from_blob(logits.data(), {kRows, vocabulary}, at::TensorOptions().dtype(at::kFloat));
            ring.send(inputs, device);
            device.choose(here.to(compute.device), ids);
            ring.fetch(device);
            const std::vector<TokenChoice> said = ring.read(kSequences);
            const at::Tensor next = ids.to(at::kCPU);
            for (std::size_t r = 0; r < kSequences; ++r) {
                const std::span<const float> row(logits.data() + static_cast<std::ptrdiff_t>(r) * vocabulary,
                                                 static_cast<std::size_t>(vocabulary));
                const std::string what =
                    nameOf(options) + " step " + std::to_string(n) + " row " + std::to_string(r);
                const SamplingPlace place{SequenceIndex::of(r), TurnIndex{}, StepIndex(n)};
                TokenChoice truth =
                    inputs[r].given ? host.given(row, *inputs[r].given) : host.choose(row, texts[r], place);
                if (said[r].id != truth.id) {
                    EXPECT_LT(nearestBorder(host.candidates(row, texts[r]), inputs[r].drawn), 1e-7) << what;
                    truth = host.given(row, said[r].id);
                    ++drawnElsewhere;
                }
                expectSameChoice(said[r], truth, what);
                EXPECT_EQ(next.const_data_ptr<std::int64_t>()[r], said[r].id.value()) << what;
                texts[r].push_back(said[r].id);
            }
            EXPECT_EQ(next.const_data_ptr<std::int64_t>()[kRows - 1], 0) << "padding says nothing";
        }
    }
    EXPECT_LE(drawnElsewhere, 2) << "borders are rarely met";
}

// --- a model --------------------------------------------------------------------------------------------------------------

// The tokens it hears, and whether a decode step's scope was open then.
class Tokens final : public Observer {
public:
    struct Heard {
        std::int32_t sequence = 0;
        std::int32_t turn = 0;
        std::int32_t step = 0;
        std::int32_t id = 0;
        std::string text;
        friend bool operator==(const Heard&, const Heard&) = default;
    };
    void scopeOpened(const ScopeKey&) override { ++open; }
    void scopeClosed(const ScopeKey&, const std::optional<cost::OpShape>&) override { --open; }
    void tokenEmitted(SequenceIndex s, TurnIndex t, StepIndex n, const TokenFacts& token) override {
        heard.push_back({s.value(), t.value(), n.value(), token.id.value(), token.text});
        saidInsideAScope = saidInsideAScope || (n.value() > 0 && open > 0);
    }
    void turnBegan(SequenceIndex s, TurnIndex, const TurnFacts& facts) override {
        began.emplace_back(s.value(), facts.firstPosition);
    }

    std::vector<Heard> heard;
    std::vector<std::pair<std::int32_t, std::int64_t>>
        began;  // later turns: sequence, positions in its cache
    int open = 0;
    bool saidInsideAScope = false;
};

class AheadWorld {
public:
    static constexpr int kContext = 160;

    explicit AheadWorld(const LoadOptions& options = {}) : loaded_(load(options)) {}

    // Whoever computes with this token's embedding from now on gets no number.
    void breakToken(TokenId id) {
        const c10::InferenceMode inference;
        const Transformer& sound = loaded_.transformer;
        Weights weights = sound.weights();
        weights.embedding = weights.embedding.clone();  // what was loaded is a file
        weights.embedding.select(0, id.value()).fill_(NAN);
        loaded_.transformer = Transformer(sound.config(), std::move(weights), sound.compute());
    }

    RunResult run(const RunRequest& request, bool ahead, Observer& observer, const CancelToken& cancel = {},
                  std::optional<bool> eager = {}) {
        const c10::InferenceMode inference;
        const RunPlan plan{.policy = request.policy,
                           .sparse = *request.sparse,
                           .obeyed = {.opScopes = observer.needs().opScopes,
                                      .eager = eager.value_or(!loaded_.transformer.compute().isCuda())},
                           .ahead = ahead};
        const std::vector<PreparedPrompt> prompts = preparePrompts(request, loaded_);
        BatchRun batch(loaded_, request, plan, observer, cancel);
        return {.sequences = batch.run(BatchIndex{}, 0, prompts)};
    }
    RunResult run(const RunRequest& request, bool ahead) {
        Observer nobody;
        return run(request, ahead, nobody);
    }

    static std::vector<TokenId> randomIds(std::int64_t count, std::uint64_t seed) {
        FixtureRandom random(seed);
        std::vector<TokenId> ids;
        for (std::int64_t i = 0; i < count; ++i) ids.push_back(TokenId::of(random.next() % 765));
        return ids;
    }

    // Prompts of these lengths in one batch, under rings of 16 slots that go round and round.
    static RunRequest requestOf(const std::vector<std::int64_t>& lengths, std::int32_t maxNew,
                                const SamplingOptions& sampling = {}) {
        RunRequest request{
            .prompts = {},
            .policy =
                Policy{MaskPolicy{{Attention::Full, Attention::Sparse, Attention::Sparse, Attention::Full}}},
            .sparse = SparseForm{.sink = 4, .window = 12},
            .maxNew = maxNew,
            .batch = static_cast<std::int32_t>(lengths.size()),
            .sampling = sampling,
            .seed = 3};
        for (const std::int64_t length : lengths)
            request.prompts.push_back({.id = std::to_string(length),
                                       .kind = "test",
                                       .content = randomIds(length, static_cast<std::uint64_t>(length))});
        return request;
    }

    // Ends by token, by text, by number, by context and by forced ids; alone, together, and over several turns.
    static std::vector<RunRequest> requests() {
        const SamplingOptions free{.temperature = 1.5};
        const SamplingOptions narrow{
            .temperature = 1.2, .topK = 200, .topP = 0.95, .minP = 1e-4, .repetitionPenalty = 1.1};
        SamplingOptions stopping = free;
        stopping.stop = {"e", "zq"};
        std::vector<RunRequest> all;
        all.push_back(requestOf({20}, 64));
        all.push_back(requestOf({20, 3, 41}, 40));
        all.push_back(requestOf({9, 30, 5, 17, 60}, 60, free));
        all.push_back(requestOf({9, 30, 5, 17, 60}, 60, narrow));
        all.push_back(requestOf({12, 33, 7}, 60, stopping));
        all.push_back(requestOf({kContext - 5, 20, kContext - 1, kContext}, 30, free));
        for (const std::int32_t few : {1, 2, 3, 4}) all.push_back(requestOf({11, 22}, few, free));
        for (const TurnMode turns : {TurnMode::Keep, TurnMode::Redo}) {
            RunRequest conversation = requestOf({14, 25, 6}, 15, narrow);
            conversation.followUps = {"and then?", "why"};
            conversation.turns = turns;
            all.push_back(conversation);
        }
        RunRequest forced = requestOf({14, 25, 6}, 15);
        forced.forcedIds = {randomIds(30, 1), randomIds(4, 2), randomIds(17, 3)};
        all.push_back(forced);
        RunRequest heads = requestOf({14, 25}, 50, free);
        heads.policy = Policy{HeadsPolicy{.layers = {{Attention::Full, Attention::Sparse},
                                                     {Attention::Sparse, Attention::Full},
                                                     {Attention::Sparse},
                                                     {Attention::Full}},
                                          .file = {}}};
        all.push_back(heads);
        return all;
    }

private:
    LoadedModel load(const LoadOptions& options) {
        const c10::InferenceMode inference;
        writeTinyModel(folder_.path(), {.layers = 4,
                                        .hidden = 64,
                                        .heads = 4,
                                        .kvHeads = 2,
                                        .headDim = 16,
                                        .inner = 96,
                                        .context = kContext,
                                        .poolSize = 8,
                                        .tiedEmbeddings = false});
        Checkpoint checkpoint = openCheckpoint(folder_.path());
        for (std::int32_t id = 5; id < 765; id += 24) checkpoint.config.endOfSequence.emplace_back(id);
        const Compute compute = chooseCompute(options, cost::DType::F32);
        Weights weights = loadWeights(checkpoint, compute, {}, nullptr);
        return {.facts = std::move(checkpoint.facts),
                .transformer = Transformer(std::move(checkpoint.config), std::move(weights), compute),
                .tokenizer = Tokenizer::load(folder_ / "tokenizer.json"),
                .defaultSparse = {},
                .chat = {}};
    }

    TempFolder folder_;
    LoadedModel loaded_;
};

inline void expectSame(const RunResult& a, const RunResult& b, float tolerance = 1e-4F) {
    ASSERT_EQ(a.sequences.size(), b.sequences.size());
    for (std::size_t s = 0; s < a.sequences.size(); ++s) {
        ASSERT_EQ(a.sequences[s].turns.size(), b.sequences[s].turns.size());
        for (std::size_t t = 0; t < a.sequences[s].turns.size(); ++t) {
            const TurnResult& one = a.sequences[s].turns[t];
            const TurnResult& other = b.sequences[s].turns[t];
            const std::string what = "prompt " + a.sequences[s].promptId + " turn " + std::to_string(t);
            EXPECT_EQ(one.promptIds, other.promptIds) << what;
            ASSERT_EQ(one.ids, other.ids) << what;
            EXPECT_EQ(one.text, other.text) << what;
            EXPECT_EQ(one.end, other.end) << what;
            EXPECT_EQ(one.keptCache, other.keptCache) << what;
            for (std::size_t i = 0; i < one.ids.size(); ++i) {
                EXPECT_NEAR(one.logprobs[i], other.logprobs[i], tolerance) << what << " token " << i;
                EXPECT_NEAR(one.choices[i].tailMass, other.choices[i].tailMass, tolerance) << what;
                ASSERT_EQ(one.choices[i].top.size(), other.choices[i].top.size()) << what;
            }
        }
    }
}

}  // namespace fluxscope
