// A capture at one moment: immutable, cheap to copy, safe to read from any thread.
//
// Growing tables are lists of sealed chunks, shared between snapshots, plus one open tail. Rows come in the order in which
// they were recorded: those of one sequence rise by (turn, step, layer), and so does the whole cost table of a run within each
// batch. What outlives a snapshot refers to rows by key, never by position.
//
// Rows have been checked: their run, sequence and layer exist, and enumerations are known. What was not so is left out and
// told in `problems`.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/capture/collector_info.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

using TrainingIndex = Index<struct TrainingTag>;

struct ProcessRow {
    ProcessIndex process;
    std::string host;
    std::int64_t pid = 0;
    std::string program;
    std::string collector;    // "auto: host-timer"; only "auto" when no run began
    Nanoseconds monotonic{};  // the same moment on both clocks
    Nanoseconds utc{};
};

struct PromptRow {
    std::int64_t prompt = 0;
    std::string id;
    std::string kind;
    std::string split;
    std::optional<std::string> text;  // absent: recorded without prompt text
    std::string answer;
};

struct ModelRow {
    std::int64_t model = 0;
    ModelFacts facts;
};

struct RunRow {
    RunIndex run;
    ProcessIndex process;
    std::int64_t model = 0;
    std::string role;
    std::int32_t repeat = 0;
    std::string policyJson;
    std::string policyName;
    std::string sparse;
    std::uint64_t seed = 0;
    std::int32_t maxNew = 0;
    std::int32_t chunkTokens = 0;
    std::string device;
    std::string dtype;
    Nanoseconds begin{};
    std::optional<Nanoseconds> end;
    std::optional<std::string> outcome;  // absent: still running, or its process was lost
    std::string reason;
    std::int64_t dropped = 0;
    bool clockLocked = false;  // counters were read while it ran: its times are no latencies
    std::string origin;        // the tool whose file it was imported from; empty: recorded here
    std::string sampling;      // JSON; "{}": not known
};

struct SequenceRow {
    RunIndex run;
    SequenceIndex sequence;
    BatchIndex batch;  // -1: its batch has not begun
    std::int64_t prompt = 0;
    std::int64_t promptTokens = 0;
};

struct DecisionRow {
    RunIndex run;
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
    LayerIndex layer;
    Decision decision;
};

struct KvRow {
    RunIndex run;
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
    LayerIndex layer;
    KvFacts kv;
};

// Generated tokens only; a prompt's tokens are read when a view asks for them.
struct TokenRow {
    RunIndex run;
    SequenceIndex sequence;
    TurnIndex turn;
    std::int64_t position = 0;
    StepIndex step;
    TokenId token;
    std::string text;
    float logprob = 0;
    Nanoseconds emitted{};
};

struct FidelityRow {
    RunIndex run;
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
    FidelityStep fidelity;
};

// What an answer was worth.
struct EvaluationRow {
    RunIndex run;
    SequenceIndex sequence;
    std::string task;
    std::int64_t length = 0;
    std::int64_t number = 0;
    std::uint64_t seed = 0;
    std::string scorer;
    double score = 0;
};

// The cost table: layer -1 is what lies outside all layers.
struct LayerStepRow {
    RunIndex run;
    BatchIndex batch;
    TurnIndex turn;
    Phase phase = Phase::Prefill;
    StepIndex step;
    LayerIndex layer;
    Nanoseconds begin{};
    Nanoseconds time{};
    Nanoseconds router{};
    Nanoseconds attention{};
    std::string timeSource;
    std::int64_t bytesRead = 0;
    std::int64_t bytesWritten = 0;
    std::int64_t flops = 0;
    std::string bytesSource;
    std::int32_t costVersion = 0;  // of kernels/cost, for analytic bytes; 0: not known
};

struct TrainingWarningRow {
    std::int64_t step = 0;
    std::string text;
};

// As far as one process took it: what went on from a checkpoint is a row of its own.
struct TrainingRow {
    TrainingIndex training;
    ProcessIndex process;
    TrainingFacts facts;
    Nanoseconds begin{};
    std::optional<Nanoseconds> end;
    std::optional<std::string> outcome;  // absent: still going on, or its process was lost
    std::string reason;
    std::vector<TrainingWarningRow> warnings;  // as they came
};

// What is absent is NaN.
struct TrainingTaskStepRow {
    std::int32_t task = 0;  // of TrainingFacts::tasks
    double loss = 0;        // NaN: no token of its prompts counted
    double right = 0;       // of answers' tokens (of plain text: of all) the share that was foretold
    double sparsity = 0;    // NaN, as what follows: a backbone has none
    std::array<double, 2> multipliers{};
};

struct TrainingLayerStepRow {
    LayerIndex layer;
    float full = 0;  // the mean weight of full attention
};

struct TrainingStepRow {
    TrainingIndex training;
    std::int64_t step = 0;
    std::int64_t length = 0;
    double loss = 0;
    double penalty = 0;
    double learningRate = 0;
    double gradientNorm = 0;
    double tokensPerSecond = 0;
    double temperature = 0;  // NaN: a backbone has none
    Nanoseconds end{};
    std::vector<TrainingTaskStepRow> tasks;    // those that had a prompt, rising
    std::vector<TrainingLayerStepRow> layers;  // rising; a backbone has none
};

// A table that grows at its end. Iterates over all rows in order.
template <class Row>
class Chunks {
public:
    using Chunk = std::shared_ptr<const std::vector<Row>>;

    Chunks() = default;
    explicit Chunks(std::vector<Chunk> chunks) : chunks_(std::move(chunks)) {}

    std::size_t size() const {
        std::size_t rows = 0;
        for (const Chunk& chunk : chunks_) rows += chunk->size();
        return rows;
    }
    template <class Visit>
    void each(Visit visit) const {
        for (const Chunk& chunk : chunks_)
            for (const Row& row : *chunk) visit(row);
    }
    const std::vector<Chunk>& chunks() const { return chunks_; }

private:
    std::vector<Chunk> chunks_;
};

struct EnvironmentRow {
    ProcessIndex process;
    std::string name;
    std::string value;
    std::string source;
};

struct Snapshot {
    std::filesystem::path file;
    std::uint64_t generation = 0;       // rises with every published change
    bool live = false;                  // somebody is still writing
    std::vector<std::string> problems;  // what could not be read, a sentence each

    std::vector<ProcessRow> processes;
    std::vector<EnvironmentRow> environment;
    std::vector<CollectorInfo> collectors;
    std::vector<ModelRow> models;
    std::vector<PromptRow> prompts;
    std::vector<RunRow> runs;
    std::vector<SequenceRow> sequences;
    Chunks<DecisionRow> decisions;
    Chunks<KvRow> kv;
    Chunks<TokenRow> tokens;
    Chunks<LayerStepRow> layerSteps;
    Chunks<FidelityRow> fidelity;
    Chunks<EvaluationRow> evaluations;
    std::vector<TrainingRow> trainings;
    Chunks<TrainingStepRow> trainingSteps;  // rising by (training, step)
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace fluxscope
