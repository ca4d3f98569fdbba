// The engine speaks to an Observer; the profiler is one. Nothing else connects the two.
//
// Order of a run:  runBegan, then for each batch: batchBegan, scopes and events of prefill (step 0) and of each decode
// step, for each later turn turnBegan and the same again, batchEnded; then runEnded, always, whatever happened. All calls come from the engine's one host thread.
//
// A scope is an interval of the host's time with a key. Scopes nest: phase > step > layer > (chunk >) op. On a device that
// runs behind the host, a scope's own interval is the time it took to enqueue; what the device did is joined to it later.
#pragma once

#include "engine/contract/byte_range.h"
#include "engine/contract/decision.h"
#include "engine/contract/index.h"
#include "engine/contract/policy.h"
#include "engine/contract/prompt_set.h"
#include "engine/contract/sampling.h"
#include "engine/contract/sparse_form.h"
#include "engine/contract/training.h"
#include "kernels/cost/op.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

enum class Phase : std::uint8_t { Prefill, Decode };

// The parts of a forward pass that are told apart. Their order is that of the pass.
enum class Op : std::uint8_t {
    Embed,
    Router,
    Norm,
    Qkv,
    Rope,
    KvWrite,
    Attention,
    Output,
    Mlp,
    Head,
    Sample
};

std::string_view nameOf(Phase phase);
std::string_view nameOf(Op op);

// Absent parts mean "the whole of": no layer, the step; no op, the layer or chunk.
struct ScopeKey {
    BatchIndex batch;
    TurnIndex turn;
    Phase phase = Phase::Prefill;
    StepIndex step;
    std::optional<LayerIndex> layer;
    std::optional<ChunkIndex> chunk;
    std::optional<Op> op;

    friend bool operator==(const ScopeKey&, const ScopeKey&) = default;
};

// What an observer wants the engine to do differently. Asked once before a run; the run records that it was obeyed.
struct ObserverNeeds {
    bool opScopes = true;            // scopes of single operations, not only of layers
    bool eager = false;              // no CUDA graphs
    bool noDependentLaunch = false;  // no programmatic dependent launch
};

// What a run is for. Only timed runs are ever quoted as latency.
enum class RunRole : std::uint8_t { Timed, Timeline, Counters, Off, WarmUp, Verify };

std::string_view nameOf(RunRole role);

struct ModelFacts {
    std::string name;  // the folder's
    std::string path;
    std::string architecture;  // as in config.json
    std::string hash;          // of config and tensor index, hex
    std::int32_t layers = 0;
    std::int32_t heads = 0;
    std::int32_t kvHeads = 0;
    std::int32_t headDim = 0;
    std::int32_t hidden = 0;
    std::int32_t vocabulary = 0;
    std::int64_t parameters = 0;
    std::int64_t routerParameters = 0;  // 0: no routers
    std::int32_t poolSize = 0;
    bool untrained = false;  // a random model made by a test: the window says so
};

struct SequenceFacts {
    std::string promptId;
    std::string kind;
    PromptSplit split = PromptSplit::Unsplit;
    std::string text;  // as given to the tokenizer
    std::string answer;
    std::vector<TokenId> promptIds;
    std::vector<ByteRange> byteRanges;  // of each prompt token in text; empty if ids were given
};

struct RunFacts {
    RunRole role = RunRole::Timed;
    std::int32_t repeat = 0;
    ModelFacts model;
    Policy policy;
    SparseForm sparse;
    std::uint64_t seed = 0;
    SamplingOptions sampling;
    std::int32_t maxNew = 0;
    std::int32_t chunkTokens = 0;
    std::string device;  // "cpu", "cuda:0"
    std::string dtype;   // "fp32", "bf16", "fp16"
    ObserverNeeds obeyed;
    std::vector<SequenceFacts> sequences;
};

// KV of one layer and sequence after the decision took effect (end of its prefill, or a probe that turned it sparse).
struct KvFacts {
    std::int64_t bytesKept = 0;
    std::int64_t bytesFreed = 0;  // what a full cache of the same prompt and length would have held more
};

// What a step could have said instead, most probable first, and the probability of everything else together.
struct TokenChance {
    TokenId id;
    float logprob = 0;

    friend bool operator==(const TokenChance&, const TokenChance&) = default;
};

// A later turn of a conversation: what it sends through prefill, from which position on. The first turn's tokens are in RunFacts.
struct TurnFacts {
    std::int64_t firstPosition = 0;  // above 0: onto the cache that the turns before have left
    std::vector<TokenId> promptIds;
};

struct TokenFacts {
    TokenId id;
    std::string text;  // the bytes this token adds to the decoded text; may be empty inside a UTF-8 character
    float logprob = 0;
    std::vector<TokenChance> top;
    double tailMass = 0;
};

// A step's distribution against the one that policy `full` has there, given the same tokens before.
struct FidelityStep {
    double kl = 0;             // of the full distribution from this one, in nats
    bool sameTop = false;      // both think the same token most probable
    double logprobChange = 0;  // of the token decoded: this policy's less full's
};

enum class RunOutcome : std::uint8_t { Finished, Cancelled, Failed };

std::string_view nameOf(RunOutcome outcome);

// What the answer of a sequence of the run begun last was worth.
struct EvaluationSample {
    SequenceIndex sequence;
    std::string task;         // as it was asked for: "needle:facts=8"; of a prompt set, the prompt's kind
    std::int64_t length = 0;  // in tokens, as asked for
    std::int64_t number = 0;  // of the sample
    std::uint64_t seed = 0;   // of the task, not of the run
    std::string scorer;
    double score = 0;  // from 0 to 1
};

class Observer {
public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;

    virtual ObserverNeeds needs() const { return {}; }

    virtual void runBegan(const RunFacts&) {}
    virtual void batchBegan(BatchIndex, std::span<const SequenceIndex>) {}
    virtual void turnBegan(SequenceIndex, TurnIndex, const TurnFacts&) {}
    virtual void scopeOpened(const ScopeKey&) {}
    virtual void scopeClosed(const ScopeKey&, const std::optional<cost::OpShape>&) {}
    virtual void decided(SequenceIndex, TurnIndex, StepIndex, LayerIndex, const Decision&) {}
    virtual void kvSettled(SequenceIndex, TurnIndex, StepIndex, LayerIndex, const KvFacts&) {}
    virtual void tokenEmitted(SequenceIndex, TurnIndex, StepIndex, const TokenFacts&) {}
    virtual void compared(SequenceIndex, TurnIndex, StepIndex, const FidelityStep&) {}
    // A decode step that is recorded once and launched as a whole afterwards (a CUDA graph). Between these two, scopes and their
    // shapes are those of the recording: they say what each kernel of it is for, and are no intervals of any step. They come
    // inside the step that records, after that step itself has been computed with scopes of its own.
    virtual void recordingBegan(RecordingIndex) {}
    virtual void recordingEnded(RecordingIndex) {}
    // Inside the scope of a step, before its work is enqueued: it replays this recording. What differs from the recording's own
    // shapes is how many slots each layer's queries see (cost::SlotAttentionShape::attended), given by layer.
    virtual void stepReplayed(const ScopeKey& /*step*/, RecordingIndex,
                              std::span<const std::int64_t> /*attended*/) {}
    virtual void batchEnded(BatchIndex) {}
    // `reason` is empty for a finished run, else one sentence.
    virtual void runEnded(RunOutcome, const std::string& /*reason*/) {}

    // After runEnded, before the next run.
    virtual void sampleEvaluated(const EvaluationSample&) {}

    // No run goes on meanwhile.
    virtual void trainingBegan(const TrainingFacts&) {}
    virtual void trainingStepped(const TrainingStep&) {}
    virtual void trainingWarned(std::int64_t /*step*/, const std::string& /*sentence*/) {}
    virtual void trainingEnded(RunOutcome, const std::string& /*reason*/) {}
};

// Opens a scope for as long as it lives. A layer's or step's scope has no shape; an op's shape prices it, and may come late:
// where the data decides what is visited, it is known only when the op has been computed.
class ObservedScope {
public:
    ObservedScope(Observer& observer, const ScopeKey& key, std::optional<cost::OpShape> shape = std::nullopt)
        : observer_(observer), key_(key), shape_(shape) {
        observer_.scopeOpened(key_);
    }
    ~ObservedScope() { observer_.scopeClosed(key_, shape_); }
    ObservedScope(const ObservedScope&) = delete;
    ObservedScope& operator=(const ObservedScope&) = delete;

    void price(const cost::OpShape& shape) { shape_ = shape; }

private:
    Observer& observer_;
    ScopeKey key_;
    std::optional<cost::OpShape> shape_;
};

}  // namespace fluxscope
