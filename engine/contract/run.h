// A run as values: what is asked for and what came of it. The engine carries it out; its host and the command line pass it on.
#pragma once

#include "engine/contract/observer.h"
#include "engine/contract/sampling.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

// What becomes of a prompt's KV cache when a follow-up is said.
enum class TurnMode : std::uint8_t {
    Keep,  // the new turn is prefilled onto the cache under the decisions of the first one
    Redo   // the whole conversation is prefilled again, and routed again
};

// Asks the routers again, every so many tokens of the answer, as if the text so far had been the prompt.
struct ProbeOptions {
    std::int32_t every = 0;  // decode steps, from 1 up
    bool act = false;        // a layer that would be sparse now becomes so; none ever becomes full
};

// By layer: one decision for all of its heads, or one a KV head.
using LayerDecisions = std::vector<std::vector<Decision>>;

// What the routers said in the midst of an answer, and what holds since.
struct ProbedStep {
    StepIndex step;
    LayerDecisions layers;
};

// What a recorded sequence went through, to go through it again: by turn, the prompt's own first.
struct ReplayedTurn {
    std::vector<TokenId> promptIds;  // that a later turn prefilled; the first turn's are the prompt
    bool keptCache = false;          // a later turn that was prefilled onto the cache
    std::vector<TokenId> ids;        // generated then; decoding is fed with them
    LayerDecisions decisions;        // as prefill left them
    std::vector<ProbedStep> probes;  // what a probe made sparse then becomes sparse at the same step
    std::int64_t positions = 0;      // its cache had room for; 0: for what is computed
};

struct ReplayedSequence {
    std::vector<ReplayedTurn> turns;
};

struct RunRequest {
    std::vector<Prompt> prompts;
    Policy policy;
    std::optional<SparseForm> sparse;  // absent: the form the routers were trained for, else SparseForm{}
    std::int32_t maxNew = 64;          // of each turn
    std::int32_t chunkTokens = 0;      // 0: the engine chooses
    std::int32_t batch = 1;            // prompts that go through the layers together
    SamplingOptions sampling;
    std::uint64_t seed = 0;
    RunRole role = RunRole::Timed;
    std::int32_t repeat = 0;
    bool stopAtEos = true;
    bool raw = false;                    // texts as they are, even where the model has a chat template
    std::vector<std::string> followUps;  // said, one after the other, after each prompt's answer
    TurnMode turns = TurnMode::Keep;
    // By prompt, both empty or as many as prompts. A forced sequence decodes these ids whatever it would have chosen, and
    // ends with them; a replayed one takes its decisions and its turns too.
    std::vector<std::vector<TokenId>> forcedIds;
    std::vector<ReplayedSequence> replay;
    std::optional<ProbeOptions> probe;
    bool fidelity = false;  // compare every position with policy `full`, given the same tokens
};

struct LayerRouting {
    std::vector<Decision> decisions;  // one for all heads, or one a KV head
    KvFacts kv;

    // What a layer-level policy decided; of a head-level one, its first head's.
    const Decision& decision() const { return decisions.front(); }
};

// The 32 most probable tokens of a step, and the probability of all others together.
struct StepChoices {
    std::vector<TokenChance> top;
    double tailMass = 0;
};

// Fidelity over the positions of a prompt, each for the prompt's next token: its last position has none, and speaks for the
// first token generated.
struct PromptFidelity {
    std::int64_t positions = 0;
    double meanKl = 0;  // as FidelityStep has them
    double top1Agreement = 0;
    double meanLogprobChange = 0;
};

enum class TurnEnd : std::uint8_t { MaxNew, EndToken, StopString, Forced };

std::string_view nameOf(TurnMode mode);
std::string_view nameOf(TurnEnd end);

struct TurnResult {
    std::vector<TokenId>
        promptIds;  // that this turn prefilled: of a later turn that kept the cache, the new ones only
    std::vector<TokenId> ids;  // generated
    std::string text;
    std::vector<float> logprobs;
    std::vector<StepChoices> choices;  // by generated token
    std::vector<LayerRouting> layers;  // as it ended: a probe that acted has left its decision here
    std::vector<ProbedStep> probes;
    std::vector<FidelityStep> fidelity;            // by generated token; empty unless asked for
    std::optional<PromptFidelity> promptFidelity;  // of what this turn prefilled; absent for a single token
    double prefillSeconds = 0;  // first launch to first token on the host; of the batch it went with
    double decodeSeconds = 0;
    double ttftSeconds = 0;  // as prefill, tokenising included
    std::int64_t kvBytes = 0;
    TurnEnd end = TurnEnd::MaxNew;
    bool keptCache = false;  // a follow-up that was prefilled onto the cache
    std::string redoneWhy;   // a follow-up asked to keep the cache that could not: one sentence
};

struct SequenceResult {
    std::string promptId;
    std::vector<TurnResult> turns;  // the prompt's own first

    const TurnResult& first() const { return turns.front(); }
};

struct RunResult {
    std::vector<SequenceResult> sequences;
};

// Memory of a run before it starts, in bytes where the model computes. The KV cache depends on what is decided: from every
// layer sparse to every layer full.
struct Forecast {
    std::int64_t weights = 0;      // there already
    std::int64_t activations = 0;  // hidden states of the longest batch, one chunk's intermediates, scratch
    std::int64_t kvAllSparse = 0;
    std::int64_t kvAllFull = 0;
    std::int64_t available = 0;  // now, beside the weights
};

struct ForwardRequest {
    std::vector<TokenId> ids;
    Policy policy;
    std::optional<SparseForm> sparse;
    std::int32_t chunkTokens = 0;
    std::int64_t firstPosition = 0;  // rows of logits wanted: [firstPosition, endPosition)
    std::int64_t endPosition = 0;
};

struct ForwardResult {
    std::vector<float> logits;  // [endPosition - firstPosition, vocabulary], row major
    std::vector<LayerRouting> layers;
};

}  // namespace fluxscope
