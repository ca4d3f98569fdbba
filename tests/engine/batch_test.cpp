// Prompts that go through the layers together, conversations of several turns, and runs whose tokens or decisions are given.
#include "tests/engine/small_model.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

namespace fluxscope {
namespace {

using testing::HasSubstr;

const SparseForm kNarrow{.sink = 4, .window = 12};
const Policy kMixed{MaskPolicy{{Attention::Full, Attention::Sparse, Attention::Sparse, Attention::Full}}};
const Policy kHeads{HeadsPolicy{.layers = {{Attention::Full, Attention::Sparse},
                                           {Attention::Sparse, Attention::Full},
                                           {Attention::Sparse},
                                           {Attention::Full}},
                                .file = {}}};

class BatchTest : public SmallModelTest {
protected:
    static RunRequest requestOf(std::vector<Prompt> prompts, const Policy& policy, std::int32_t maxNew = 12) {
        RunRequest request{
            .prompts = std::move(prompts), .policy = policy, .sparse = kNarrow, .maxNew = maxNew};
        request.stopAtEos = false;
        return request;
    }
    // As a recorder would have kept it.
    static ReplayedSequence recordingOf(const SequenceResult& then) {
        ReplayedSequence recorded;
        for (const TurnResult& turn : then.turns) {
            ReplayedTurn& now = recorded.turns.emplace_back();
            now = {.promptIds = turn.promptIds,
                   .keptCache = turn.keptCache,
                   .ids = turn.ids,
                   .decisions = {},
                   .probes = turn.probes};
            for (std::size_t l = 0; l < turn.layers.size(); ++l) {
                now.decisions.push_back(turn.layers[l].decisions);
                for (Decision& decision : now.decisions.back()) decision.by = DecidedBy::Replay;
            }
        }
        return recorded;
    }
    // Thresholds between what the first prompt's routers say of it and the least that they say of its continuation: layers that
    // begin full and turn. Where it only rises, a layer stays full.
    static RunRequest actingProbe() {
        RunRequest request =
            requestOf({promptOf(randomIds(40)), promptOf(randomIds(12), "q")}, RoutedPolicy{}, 25);
        RoutedPolicy policy{.threshold = 0.0001, .layerThresholds = {}};
        request.policy = policy;
        request.batch = 2;
        request.probe = ProbeOptions{.every = 4, .act = false};
        Observer nobody;
        const TurnResult plain = model().run(request, nobody, CancelToken{}).sequences.front().first();
        const TurnResult begun = runOne(requestOf({request.prompts.front()}, policy, 1));
        for (std::size_t l = 0; l < begun.layers.size(); ++l) {
            const double begins = fullProbability(*begun.layers[l].decision().logits);
            double least = begins;
            for (const ProbedStep& probe : plain.probes)
                least = std::min(least, fullProbability(*probe.layers[l].front().logits));
            policy.layerThresholds[LayerIndex::of(l)] = least < begins ? (begins + least) / 2 : 0.0001;
        }
        request.policy = policy;
        request.probe->act = true;
        return request;
    }
    static void expectSame(const TurnResult& a, const TurnResult& b, const std::string& what) {
        ASSERT_EQ(a.ids, b.ids) << what;
        for (std::size_t i = 0; i < a.ids.size(); ++i)
            EXPECT_NEAR(a.logprobs[i], b.logprobs[i], 1e-4) << what << " token " << i;
        ASSERT_EQ(a.layers.size(), b.layers.size());
        for (std::size_t l = 0; l < a.layers.size(); ++l) {
            EXPECT_EQ(a.layers[l].decision().attention, b.layers[l].decision().attention);
            EXPECT_EQ(a.layers[l].kv.bytesKept, b.layers[l].kv.bytesKept);
        }
    }
};

class Probed : public Observer {
public:
    std::vector<Decision> probes;
    std::map<SequenceIndex, LayerDecisions> prefilled;
    void decided(SequenceIndex s, TurnIndex, StepIndex step, LayerIndex, const Decision& decision) override {
        if (step > StepIndex{})
            probes.push_back(decision);
        else
            prefilled[s].push_back({decision});
    }
};

TEST_F(BatchTest, eachPromptGivesWhatItGivesAlone) {
    std::vector<Prompt> prompts;
    for (const std::int64_t tokens : {1, 3, 15, 40, 90, 17})
        prompts.push_back(
            promptOf(randomIds(tokens, static_cast<std::uint64_t>(tokens)), std::to_string(tokens)));
    for (const Policy& policy : {Policy{RoutedPolicy{}}, kMixed, kHeads}) {
        RunRequest together = requestOf(prompts, policy);
        together.chunkTokens = 16;
        for (const std::int32_t batch : {2, 4, 6}) {
            together.batch = batch;
            const RunResult result = run(together);
            ASSERT_EQ(result.sequences.size(), prompts.size());
            for (std::size_t i = 0; i < prompts.size(); ++i) {
                EXPECT_EQ(result.sequences[i].promptId, prompts[i].id);
                expectSame(result.sequences[i].first(), runOne(requestOf({prompts[i]}, policy)),
                           shortForm(policy) + " prompt " + prompts[i].id);
            }
        }
    }
}

// Sequences that end early leave the others alone.
TEST_F(BatchTest, goesOnWhenSomeHaveEnded) {
    RunRequest request =
        requestOf({promptOf(randomIds(250), "long"), promptOf(randomIds(9), "short")}, RoutedPolicy{}, 30);
    request.batch = 2;
    const RunResult result = run(request);
    EXPECT_EQ(result.sequences[0].first().ids.size(), 7U);  // the context is full
    expectSame(result.sequences[1].first(), runOne(requestOf({promptOf(randomIds(9))}, RoutedPolicy{}, 30)),
               "");
}

// Heads that are decided alike under a policy of heads are what a policy of layers makes them.
TEST_F(BatchTest, headsThatAgreeAreALayer) {
    const std::vector<Attention> full = {Attention::Full, Attention::Full};
    const std::vector<Attention> sparse = {Attention::Sparse, Attention::Sparse};
    const Policy heads{HeadsPolicy{.layers = {full, sparse, sparse, full}, .file = {}}};
    const std::vector<Prompt> prompt = {promptOf(randomIds(70))};
    const TurnResult byHeads = runOne(requestOf(prompt, heads));
    const TurnResult byLayers = runOne(requestOf(prompt, kMixed));
    EXPECT_EQ(byHeads.ids, byLayers.ids);
    EXPECT_EQ(byHeads.logprobs, byLayers.logprobs);
    EXPECT_EQ(byHeads.kvBytes, byLayers.kvBytes);
    EXPECT_EQ(byHeads.layers[0].decisions.size(), 1U);
}

// A head-level run keeps between the all-sparse and the all-full bytes, and decoding it is prefill of the longer prompt.
TEST_F(BatchTest, headsOfOneLayerMayDiffer) {
    const TurnResult turn = runOne(requestOf({promptOf(randomIds(60))}, kHeads));
    const std::int64_t slot = 2 * 16 * 4;  // k and v of one head, dim, fp32
    ASSERT_EQ(turn.layers[0].decisions.size(), 2U);
    EXPECT_EQ(turn.layers[0].decisions[1].kvHead, KvHeadIndex(1));
    EXPECT_EQ(turn.layers[0].kv.bytesKept, (71 + 16) * slot);
    EXPECT_EQ(turn.layers[0].kv.bytesFreed, (71 - 16) * slot);
    std::vector<TokenId> longer = turn.promptIds;
    longer.insert(longer.end(), turn.ids.begin(), turn.ids.end() - 1);
    const auto end = static_cast<std::int64_t>(longer.size());
    for (const std::int32_t chunk : {0, 7}) {
        const ForwardResult whole = model().forward({.ids = longer,
                                                     .policy = kHeads,
                                                     .sparse = kNarrow,
                                                     .chunkTokens = chunk,
                                                     .firstPosition = 59,
                                                     .endPosition = end},
                                                    CancelToken{});
        for (std::size_t n = 0; n < turn.ids.size(); ++n)
            EXPECT_NEAR(
                turn.logprobs[n],
                logprobOf(whole.logits.data() + static_cast<std::int64_t>(n) * kSmallVocabulary, turn.ids[n]),
                1e-4);
    }
}

TEST_F(BatchTest, forcedIdsAreDecodedWhateverWouldHaveBeenChosen) {
    const std::vector<TokenId> forced = randomIds(9, 77);
    RunRequest request = requestOf({promptOf(randomIds(33))}, kMixed);
    request.forcedIds = {forced};
    const TurnResult turn = runOne(request);
    EXPECT_EQ(turn.ids, forced);
    EXPECT_EQ(turn.end, TurnEnd::Forced);
    std::vector<TokenId> all = randomIds(33);
    all.insert(all.end(), forced.begin(), forced.end() - 1);
    const ForwardResult whole = model().forward(
        {.ids = all, .policy = kMixed, .sparse = kNarrow, .firstPosition = 32, .endPosition = 41},
        CancelToken{});
    for (std::size_t n = 0; n < forced.size(); ++n)
        EXPECT_NEAR(
            turn.logprobs[n],
            logprobOf(whole.logits.data() + static_cast<std::int64_t>(n) * kSmallVocabulary, forced[n]),
            1e-4);
}

TEST_F(BatchTest, aReplayTakesTokensAndDecisionsFromARecording) {
    const RunRequest recorded = requestOf({promptOf(randomIds(50))}, kMixed);
    const TurnResult then = runOne(recorded);
    RunRequest replay = recorded;
    replay.policy = FullPolicy{};
    replay.replay = {recordingOf({.promptId = "p", .turns = {then}})};
    const TurnResult now = runOne(replay);
    EXPECT_EQ(now.ids, then.ids);
    EXPECT_EQ(now.logprobs, then.logprobs);
    EXPECT_EQ(now.kvBytes, then.kvBytes);
    EXPECT_EQ(now.layers[1].decision().by, DecidedBy::Replay);
    replay.replay.front().turns.front().decisions.pop_back();
    EXPECT_THAT(complaintOf<UsageError>([&] { run(replay); }), HasSubstr("another model"));
}

// Turn by turn: tokens, decisions and the cache are those of the conversation, kept or redone, full or with ended answers.
TEST_F(BatchTest, aReplayGoesThroughEveryTurnOfAConversation) {
    for (const TurnMode mode : {TurnMode::Keep, TurnMode::Redo}) {
        for (const Policy& policy : {Policy{RoutedPolicy{}}, kMixed, kHeads}) {
            RunRequest request =
                requestOf({promptOf(randomIds(40)), promptOf(randomIds(9, 4), "q")}, policy, 6);
            request.followUps = {"and then the river rose", " once more"};
            request.turns = mode;
            request.batch = 2;
            const RunResult then = run(request);
            RunRequest replay = requestOf(request.prompts, FullPolicy{});
            replay.batch = 2;
            for (const SequenceResult& sequence : then.sequences)
                replay.replay.push_back(recordingOf(sequence));
            const RunResult now = run(replay);
            for (std::size_t s = 0; s < 2; ++s) {
                ASSERT_EQ(now.sequences[s].turns.size(), 3U);
                for (std::size_t t = 0; t < 3; ++t) {
                    const TurnResult& a = now.sequences[s].turns[t];
                    const TurnResult& b = then.sequences[s].turns[t];
                    const std::string what = shortForm(policy) + " turn " + std::to_string(t);
                    expectSame(a, b, what);
                    EXPECT_EQ(a.promptIds, b.promptIds) << what;
                    EXPECT_EQ(a.logprobs, b.logprobs) << what;
                    EXPECT_EQ(a.keptCache, b.keptCache) << what;
                    EXPECT_EQ(a.kvBytes, b.kvBytes) << what;
                    EXPECT_EQ(a.text, b.text) << what;
                }
            }
        }
    }
}

// The layer narrows at the step at which it did, and the tokens after it are those of the narrowed layer.
TEST_F(BatchTest, aReplayTurnsLayersSparseWhereAProbeDid) {
    const RunRequest request = actingProbe();
    Probed heard;
    const RunResult then = model().run(request, heard, CancelToken{});
    RunRequest replay = request;
    replay.probe.reset();
    replay.policy = FullPolicy{};
    for (const SequenceResult& sequence : then.sequences) {
        replay.replay.push_back(recordingOf(sequence));
        const auto index = SequenceIndex::of(replay.replay.size() - 1);
        replay.replay.back().turns.front().decisions = heard.prefilled[index];  // before any probe
    }
    Probed repeated;
    const RunResult now = model().run(replay, repeated, CancelToken{});
    std::int64_t sparse = 0;
    for (std::size_t s = 0; s < 2; ++s) {
        const TurnResult& a = now.sequences[s].first();
        const TurnResult& b = then.sequences[s].first();
        expectSame(a, b, "prompt " + std::to_string(s));
        EXPECT_EQ(a.logprobs, b.logprobs);
        EXPECT_EQ(a.kvBytes, b.kvBytes);
        ASSERT_EQ(a.probes.size(), b.probes.size());
        for (std::size_t p = 0; p < a.probes.size(); ++p)
            for (std::size_t l = 0; l < 4; ++l)
                EXPECT_EQ(a.probes[p].layers[l].front().attention, b.probes[p].layers[l].front().attention);
        for (std::size_t l = 0; l < 4; ++l) {
            EXPECT_EQ(a.layers[l].kv.bytesFreed, b.layers[l].kv.bytesFreed);
            sparse += b.layers[l].decision().attention == Attention::Sparse ? 1 : 0;
        }
    }
    EXPECT_GT(sparse, 0) << "no layer changed its mind: another seed would";
    ASSERT_EQ(repeated.probes.size(), heard.probes.size());
    for (const Decision& decision : repeated.probes) EXPECT_EQ(decision.by, DecidedBy::Replay);

    // Without its probes it is another run: they are what is repeated.
    for (ReplayedSequence& sequence : replay.replay) sequence.turns.front().probes.clear();
    const auto kvBytes = [](const RunResult& result) {
        std::int64_t bytes = 0;
        for (const SequenceResult& sequence : result.sequences) bytes += sequence.first().kvBytes;
        return bytes;
    };
    EXPECT_GT(kvBytes(run(replay)), kvBytes(then));
}

TEST_F(BatchTest, aDamagedReplayIsRefused) {
    RunRequest request = requestOf({promptOf(randomIds(40))}, kMixed, 6);
    request.followUps = {"and then"};
    const SequenceResult then = run(request).sequences.front();
    RunRequest replay = requestOf(request.prompts, kMixed);
    replay.replay = {recordingOf(then)};
    const auto complaint = [&](const std::function<void(RunRequest&)>& damage) {
        RunRequest damaged = replay;
        damage(damaged);
        return complaintOf<UsageError>([&] { run(damaged); });
    };
    const auto turn = [](RunRequest& r, std::size_t t) -> ReplayedTurn& { return r.replay.front().turns[t]; };
    EXPECT_THAT(complaint([](RunRequest& r) { r.followUps = {"x"}; }), HasSubstr("turns of its own"));
    EXPECT_THAT(complaint([](RunRequest& r) { r.probe = ProbeOptions{.every = 2}; }),
                HasSubstr("repeats those that were recorded"));
    EXPECT_THAT(complaint([](RunRequest& r) { r.replay.front().turns.clear(); }),
                HasSubstr("different numbers of turns"));
    EXPECT_THAT(complaint([&](RunRequest& r) { turn(r, 1).ids.clear(); }), HasSubstr("without an answer"));
    EXPECT_THAT(complaint([&](RunRequest& r) { turn(r, 1).promptIds.front() = TokenId(7); }),
                HasSubstr("the last token said"));
    EXPECT_THAT(complaint([&](RunRequest& r) { turn(r, 1).promptIds.push_back(TokenId(900)); }),
                HasSubstr("replayed follow-up: ids["));
    EXPECT_THAT(
        complaint([&](RunRequest& r) { turn(r, 1).decisions[0].front().attention = Attention::Sparse; }),
        HasSubstr("other decisions than the turn before"));
    EXPECT_THAT(complaint([&](RunRequest& r) { turn(r, 0).positions = 1000; }),
                HasSubstr("a cache of 1000 positions"));
    const auto probe = [&](RunRequest& r, std::int32_t step, Attention attention) {
        LayerDecisions layers = turn(r, 1).decisions;
        layers[1].front().attention = attention;
        turn(r, 1).probes.push_back({.step = StepIndex(step), .layers = layers});
    };
    EXPECT_THAT(complaint([&](RunRequest& r) { probe(r, 2, Attention::Full); }),
                HasSubstr("layer 1 from sparse to full"));
    EXPECT_THAT(complaint([&](RunRequest& r) {
                    probe(r, 2, Attention::Sparse);
                    probe(r, 2, Attention::Sparse);
                }),
                HasSubstr("steps do not rise"));
    EXPECT_THAT(complaint([&](RunRequest& r) {
                    probe(r, 2, Attention::Sparse);
                    turn(r, 1).probes.back().layers[0].front().attention = Attention::Sparse;
                    r.sparse->decode = DecodeMode::Dense;
                }),
                HasSubstr("decodes densely"));
}

// A follow-up on the kept cache is what decoding its tokens one by one would have been, in rings that have wrapped too.
TEST_F(BatchTest, aFollowUpOnTheKeptCacheIsDecodingItsTokens) {
    for (const Policy& policy : {Policy{FullPolicy{}}, Policy{SparsePolicy{}}, kMixed, kHeads}) {
        for (const std::int64_t tokens : {2, 10, 60}) {
            RunRequest request = requestOf({promptOf(randomIds(tokens))}, policy, 6);
            request.followUps = {"and then the river rose over the old mill", " once more"};
            request.chunkTokens = 5;
            const SequenceResult conversation = run(request).sequences.front();
            ASSERT_EQ(conversation.turns.size(), 3U);
            std::vector<TokenId> forced;
            for (const TurnResult& turn : conversation.turns) {
                if (&turn != &conversation.turns.front()) {
                    EXPECT_TRUE(turn.keptCache);
                    // The answer's last token was not computed yet: it comes first.
                    forced.insert(forced.end(), turn.promptIds.begin() + 1, turn.promptIds.end());
                }
                forced.insert(forced.end(), turn.ids.begin(), turn.ids.end());
            }
            RunRequest decoded = requestOf({promptOf(randomIds(tokens))}, policy);
            decoded.forcedIds = {forced};
            const TurnResult truth = runOne(decoded);
            std::size_t at = 0;
            for (const TurnResult& turn : conversation.turns) {
                if (at > 0) at += turn.promptIds.size() - 1;
                for (const float logprob : turn.logprobs)
                    EXPECT_NEAR(logprob, truth.logprobs[at++], 1e-4) << shortForm(policy) << ' ' << tokens;
            }
            EXPECT_EQ(at, forced.size());
        }
    }
}

TEST_F(BatchTest, aFollowUpThatRedoesTheCacheIsARunOfTheWholeConversation) {
    RunRequest request = requestOf({promptOf(randomIds(40))}, RoutedPolicy{}, 6);
    request.followUps = {"and then"};
    request.turns = TurnMode::Redo;
    const SequenceResult conversation = run(request).sequences.front();
    const TurnResult& second = conversation.turns[1];
    EXPECT_FALSE(second.keptCache);
    expectSame(second, runOne(requestOf({promptOf(second.promptIds)}, RoutedPolicy{}, 6)), "redone");
}

TEST_F(BatchTest, fidelityOfFullIsPerfectAndOfSparseIsMeasured) {
    RunRequest request = requestOf({promptOf(randomIds(60)), promptOf(randomIds(7), "q")}, FullPolicy{});
    request.fidelity = true;
    request.batch = 2;
    for (const FidelityStep& step : runOne(request).fidelity) {
        EXPECT_NEAR(step.kl, 0, 1e-9);
        EXPECT_TRUE(step.sameTop);
        EXPECT_NEAR(step.logprobChange, 0, 1e-9);
    }
    request.policy = SparsePolicy{};
    class Told : public Observer {
    public:
        std::vector<std::tuple<SequenceIndex, StepIndex, FidelityStep>> steps;
        void compared(SequenceIndex s, TurnIndex, StepIndex step, const FidelityStep& fidelity) override {
            steps.emplace_back(s, step, fidelity);
        }
    } told;
    const TurnResult turn = model().run(request, told, CancelToken{}).sequences.front().first();
    ASSERT_EQ(turn.fidelity.size(), turn.ids.size());
    EXPECT_EQ(told.steps.size(), turn.fidelity.size() + 12) << "of both prompts";
    for (std::size_t n = 0; n < turn.fidelity.size(); ++n) {
        const auto& [sequence, step, fidelity] = told.steps[2 * n];
        EXPECT_EQ(sequence, SequenceIndex(0));
        EXPECT_EQ(step, StepIndex::of(n));
        EXPECT_EQ(fidelity.kl, turn.fidelity[n].kl);
        EXPECT_EQ(fidelity.logprobChange, turn.fidelity[n].logprobChange);
    }
    std::vector<TokenId> all = turn.promptIds;
    all.insert(all.end(), turn.ids.begin(), turn.ids.end() - 1);
    const auto rows = [&](const Policy& policy) {
        return model().forward({.ids = all,
                                .policy = policy,
                                .sparse = kNarrow,
                                .firstPosition = 59,
                                .endPosition = static_cast<std::int64_t>(all.size())},
                               CancelToken{});
    };
    const ForwardResult full = rows(FullPolicy{});
    const ForwardResult sparse = rows(SparsePolicy{});
    for (std::size_t n = 0; n < turn.ids.size(); ++n) {
        const float* p = full.logits.data() + static_cast<std::int64_t>(n) * kSmallVocabulary;
        const float* q = sparse.logits.data() + static_cast<std::int64_t>(n) * kSmallVocabulary;
        double kl = 0;
        for (std::int64_t id = 0; id < kSmallVocabulary; ++id) {
            const double lp = logprobOf(p, TokenId::of(id));
            kl += std::exp(lp) * (lp - logprobOf(q, TokenId::of(id)));
        }
        EXPECT_GT(turn.fidelity[n].kl, 0);
        EXPECT_NEAR(turn.fidelity[n].kl, kl, 1e-4 + 1e-3 * kl);
        EXPECT_NEAR(turn.fidelity[n].logprobChange, logprobOf(q, turn.ids[n]) - logprobOf(p, turn.ids[n]),
                    1e-4);
    }
}

// Over the prompt as over the answer, in pieces; what forward's logits of all positions say.
TEST_F(BatchTest, fidelityOfThePromptIsThatOfItsLogits) {
    for (const auto& [policy, forced] :
         {std::pair<Policy, bool>{SparsePolicy{}, false}, {kMixed, true}, {FullPolicy{}, false}}) {
        RunRequest request = requestOf({promptOf(randomIds(90)), promptOf(randomIds(1), "one")}, policy, 3);
        request.fidelity = true;
        request.batch = 2;
        if (forced) request.forcedIds = {randomIds(4, 5), randomIds(2, 6)};
        const RunResult result = run(request);
        ASSERT_TRUE(result.sequences[0].first().promptFidelity);
        EXPECT_FALSE(result.sequences[1].first().promptFidelity)
            << "a single token predicts none of the prompt";
        const PromptFidelity said = *result.sequences[0].first().promptFidelity;
        const std::vector<TokenId> ids = randomIds(90);
        const auto rows = [&](const Policy& of) {
            return model().forward(
                {.ids = ids, .policy = of, .sparse = kNarrow, .firstPosition = 0, .endPosition = 90},
                CancelToken{});
        };
        const ForwardResult full = rows(FullPolicy{});
        const ForwardResult own = rows(policy);
        PromptFidelity wanted{.positions = 89};
        for (std::int64_t n = 0; n < 89; ++n) {
            const float* p = full.logits.data() + n * kSmallVocabulary;
            const float* q = own.logits.data() + n * kSmallVocabulary;
            for (std::int64_t id = 0; id < kSmallVocabulary; ++id) {
                const double lp = logprobOf(p, TokenId::of(id));
                wanted.meanKl += std::exp(lp) * (lp - logprobOf(q, TokenId::of(id))) / 89;
            }
            const bool same = std::max_element(p, p + kSmallVocabulary) - p ==
                              std::max_element(q, q + kSmallVocabulary) - q;
            wanted.top1Agreement += same ? 1.0 / 89 : 0;
            const TokenId next = ids[static_cast<std::size_t>(n + 1)];
            wanted.meanLogprobChange += (logprobOf(q, next) - logprobOf(p, next)) / 89;
        }
        EXPECT_EQ(said.positions, wanted.positions);
        EXPECT_NEAR(said.meanKl, wanted.meanKl, 1e-6 + 1e-4 * wanted.meanKl);
        EXPECT_NEAR(said.top1Agreement, wanted.top1Agreement, 1e-9);
        EXPECT_NEAR(said.meanLogprobChange, wanted.meanLogprobChange, 1e-5);
        if (policy != Policy{FullPolicy{}}) {
            EXPECT_GT(said.meanKl, 1e-4);
            EXPECT_LT(said.top1Agreement, 1);
        }
    }
}

TEST_F(BatchTest, aProbeSpeaksWithoutChangingAnythingAndActsOnlyTowardsSparse) {
    RunRequest request =
        requestOf({promptOf(randomIds(40)), promptOf(randomIds(12), "q")}, RoutedPolicy{}, 25);
    request.batch = 2;
    const TurnResult plain = runOne(request);
    request.probe = ProbeOptions{.every = 4, .act = false};
    Probed heard;
    const TurnResult probed = model().run(request, heard, CancelToken{}).sequences.front().first();
    EXPECT_EQ(probed.ids, plain.ids);
    EXPECT_EQ(heard.probes.size(), 2U * 4U * 6U);  // prompts, layers, steps 4 to 24
    for (const Decision& decision : heard.probes) EXPECT_EQ(decision.by, DecidedBy::Probe);

    Probed acted;
    const TurnResult narrowed = model().run(actingProbe(), acted, CancelToken{}).sequences.front().first();
    std::int64_t sparse = 0;
    for (const LayerRouting& layer : narrowed.layers) {
        if (layer.decision().attention == Attention::Full) continue;
        ++sparse;
        EXPECT_EQ(layer.decision().by, DecidedBy::Probe);
        EXPECT_EQ(layer.kv.bytesKept, 16 * 2 * 2 * 16 * 4);
        EXPECT_GT(layer.kv.bytesFreed, 0);
    }
    EXPECT_GT(sparse, 0) << "no layer changed its mind: another seed would";
}

TEST_F(BatchTest, theObserverHearsHowTokensAreDrawn) {
    RunRequest request = requestOf({promptOf(randomIds(5))}, FullPolicy{}, 2);
    request.sampling = {.temperature = 0.7, .topK = 20, .topP = 0.9, .minP = 0.01, .stop = {"###"}};
    request.seed = 11;
    class Facts : public Observer {
    public:
        RunFacts facts;
        void runBegan(const RunFacts& told) override { facts = told; }
    } told;
    model().run(request, told, CancelToken{});
    EXPECT_EQ(told.facts.sampling, request.sampling);
    EXPECT_EQ(told.facts.seed, 11U);
}

TEST_F(BatchTest, entropyRanksLayersByAPassOfThePromptsThemselves) {
    RunRequest request = requestOf({promptOf(randomIds(50))}, EntropyPolicy{.count = 2});
    class Facts : public Observer {
    public:
        Policy policy;
        void runBegan(const RunFacts& facts) override { policy = facts.policy; }
    } told;
    const TurnResult turn = model().run(request, told, CancelToken{}).sequences.front().first();
    const auto& entropy = std::get<EntropyPolicy>(told.policy.kind());
    ASSERT_EQ(entropy.scores.size(), 4U);
    std::vector<double> sorted = entropy.scores;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (std::size_t l = 0; l < 4; ++l) {
        EXPECT_GT(entropy.scores[l], 0);
        EXPECT_EQ(turn.layers[l].decision().attention == Attention::Full, entropy.scores[l] >= sorted[1])
            << l;
    }
    request.policy = told.policy;  // self-contained from here on
    EXPECT_EQ(runOne(request).ids, turn.ids);
}

TEST_F(BatchTest, theForecastEndsAtWhatAllSparseAndAllFullKeep) {
    const auto kept = [&](const Policy& policy) {
        std::int64_t bytes = 0;
        RunRequest request = requestOf({promptOf(randomIds(40)), promptOf(randomIds(90), "q")}, policy);
        request.batch = 2;
        for (const SequenceResult& sequence : run(request).sequences) bytes += sequence.first().kvBytes;
        return bytes;
    };
    RunRequest request = requestOf({promptOf(randomIds(40)), promptOf(randomIds(90), "q")}, RoutedPolicy{});
    request.batch = 2;
    const Forecast forecast = model().forecast(request);
    EXPECT_EQ(forecast.kvAllSparse, kept(SparsePolicy{}));
    // The forecast counts the position of the last token, which need not be computed with.
    EXPECT_NEAR(static_cast<double>(forecast.kvAllFull), static_cast<double>(kept(FullPolicy{})),
                2 * 4 * 256);
    EXPECT_GT(forecast.activations, 0);
    EXPECT_GT(forecast.available, 0);
}

TEST_F(BatchTest, whatCannotFitIsRefusedWithNumbersAndTheModelStaysUsable) {
    TinyModelOptions endless = kSmallModel;
    endless.context = 1 << 24;
    endless.layers = 16;
    endless.headDim = 128;
    const TempFolder folder;
    const auto large = Model::load(writeTinyModel(folder.path(), endless));
    RunRequest request = requestOf({promptOf(randomIds(5))}, FullPolicy{}, (1 << 24) - 10);
    Observer nobody;
    const std::string said = complaintOf<MachineError>([&] { large->run(request, nobody, CancelToken{}); });
    EXPECT_THAT(said, HasSubstr("cannot fit"));
    EXPECT_THAT(said, HasSubstr("with all layers sparse to 520.0 GiB with all full"));
    EXPECT_THAT(said, HasSubstr("are free"));
    request.maxNew = 3;
    EXPECT_EQ(large->run(request, nobody, CancelToken{}).sequences.front().first().ids.size(), 3U);
}

TEST_F(BatchTest, whatDoesNotGoTogetherIsRefused) {
    const auto complaint = [](const RunRequest& request) {
        return complaintOf<UsageError>([&] { run(request); });
    };
    RunRequest request = requestOf({promptOf(randomIds(5))}, FullPolicy{});
    request.batch = 0;
    EXPECT_THAT(complaint(request), HasSubstr("--batch: is 0"));
    request.batch = 1;
    request.forcedIds = {randomIds(2), randomIds(2)};
    EXPECT_THAT(complaint(request), HasSubstr("ids for 2 prompts, and there are 1"));
    request.forcedIds = {{TokenId(900)}};
    EXPECT_THAT(complaint(request), HasSubstr("forced ids: ids[0] is 900"));
    request.forcedIds = {randomIds(300)};
    EXPECT_THAT(complaint(request), HasSubstr("has 300 tokens"));
    request.forcedIds = {randomIds(254)};
    EXPECT_THAT(complaint(request), HasSubstr("has room for 252"));
    request.followUps = {"x"};
    EXPECT_THAT(complaint(request), HasSubstr("follow-ups"));
    request.forcedIds.clear();
    request.probe = ProbeOptions{.every = 4, .act = false};
    EXPECT_THAT(complaint(request), HasSubstr("no router sees"));
    request.followUps.clear();
    request.probe->every = 0;
    EXPECT_THAT(complaint(request), HasSubstr("--probe: is 0"));
}

}  // namespace
}  // namespace fluxscope
