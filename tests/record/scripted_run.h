// A run without an engine: tells an Observer what an engine would, step by step, on a clock that only moves when told to.
//
// Every scope lasts a number of microseconds that says which one it is, so that a wrong sum shows in the numbers.
#pragma once

#include "engine/contract/observer.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fluxscope::testing {

class FakeClock {
public:
    std::function<Nanoseconds()> reader() const {
        return [now = now_] { return *now; };
    }
    void advance(std::chrono::microseconds by) { *now_ += by; }

private:
    std::shared_ptr<Nanoseconds> now_ = std::make_shared<Nanoseconds>(std::chrono::seconds(1));
};

struct Script {
    std::int32_t layers = 2;
    std::int32_t sequences = 1;  // all in one batch
    std::int32_t promptTokens = 3;
    std::int32_t decodeSteps = 2;
    std::string promptId = "prompt-";  // a number follows
    std::string text = "a prompt";
    std::string device = "cpu";
    RunRole role = RunRole::Timed;
    std::function<void()> afterStep = [] {};
};

inline RunFacts factsOf(const Script& script) {
    RunFacts facts;
    facts.role = script.role;
    facts.model = {.name = "tiny",
                   .path = "/models/tiny",
                   .architecture = "Qwen3ForCausalLM",
                   .hash = "c0ffee",
                   .layers = script.layers,
                   .heads = 4,
                   .kvHeads = 2,
                   .headDim = 8,
                   .hidden = 32,
                   .vocabulary = 64,
                   .parameters = 1000,
                   .routerParameters = 10,
                   .poolSize = 4,
                   .untrained = true};
    facts.policy = RoutedPolicy{.threshold = 0.5, .layerThresholds = {}};
    facts.sparse = SparseForm{.sink = 4, .window = 8};
    facts.seed = 7;
    facts.maxNew = script.decodeSteps + 1;
    facts.chunkTokens = 2;
    facts.device = script.device;
    facts.dtype = "fp32";
    for (std::int32_t s = 0; s < script.sequences; ++s) {
        SequenceFacts sequence{.promptId = script.promptId + std::to_string(s),
                               .kind = "prose",
                               .split = PromptSplit::Test,
                               .text = script.text + std::to_string(s),
                               .answer = "42",
                               .promptIds = {},
                               .byteRanges = {}};
        for (std::int32_t i = 0; i < script.promptTokens; ++i) {
            sequence.promptIds.emplace_back(10 + i);
            sequence.byteRanges.push_back({i, i + 1});
        }
        facts.sequences.push_back(std::move(sequence));
    }
    return facts;
}

class ScriptedRun {
public:
    ScriptedRun(Observer& observer, FakeClock clock, Script script)
        : observer_(observer), clock_(std::move(clock)), script_(std::move(script)) {}

    void run(RunOutcome outcome = RunOutcome::Finished, const std::string& reason = {}) {
        begin();
        for (std::int32_t step = 0; step <= script_.decodeSteps; ++step) pass(step);
        end(outcome, reason);
    }

    void begin() {
        observer_.runBegan(factsOf(script_));
        std::vector<SequenceIndex> all;
        all.reserve(static_cast<std::size_t>(script_.sequences));
        for (std::int32_t s = 0; s < script_.sequences; ++s) all.emplace_back(s);
        observer_.batchBegan(BatchIndex(0), all);
    }

    // Prefill is pass 0 and has two chunks.
    void pass(std::int32_t step) {
        const bool isPrefill = step == 0;
        const ScopeKey key{.phase = isPrefill ? Phase::Prefill : Phase::Decode, .step = StepIndex(step)};
        {
            const ObservedScope scope(observer_, key);
            op(key, Op::Embed, 5,
               cost::PointwiseShape{.elements = 100, .reads = 1, .flopsEach = 0, .type = cost::DType::F32});
            for (std::int32_t l = 0; l < script_.layers; ++l) layer(key, l);
            op(key, Op::Head, 7, cost::LinearShape{.rows = 1, .inputs = 32, .outputs = 64});
        }
        for (std::int32_t s = 0; s < script_.sequences; ++s) {
            observer_.tokenEmitted(
                SequenceIndex(s), {}, StepIndex(step),
                {.id = TokenId(20 + step), .text = "t" + std::to_string(step), .logprob = -0.5F});
        }
        script_.afterStep();
    }

    void end(RunOutcome outcome = RunOutcome::Finished, const std::string& reason = {}) {
        observer_.batchEnded(BatchIndex(0));
        observer_.runEnded(outcome, reason);
    }

private:
    void layer(ScopeKey key, std::int32_t index) {
        key.layer = LayerIndex(index);
        const ObservedScope scope(observer_, key);
        const bool isPrefill = key.phase == Phase::Prefill;
        const bool isFull = index % 2 == 0;
        if (isPrefill) {
            op(key, Op::Router, 3, cost::RouterShape{.rows = 6, .heads = 4, .dim = 8});
            for (std::int32_t s = 0; s < script_.sequences; ++s) {
                observer_.decided(SequenceIndex(s), {}, key.step, LayerIndex(index),
                                  {.attention = isFull ? Attention::Full : Attention::Sparse,
                                   .by = DecidedBy::Router,
                                   .logits = RouterLogits{.sparse = 0.25F, .full = isFull ? 1.25F : -0.75F},
                                   .threshold = 0.5,
                                   .kvHead = {}});
            }
        }
        for (std::int32_t chunk = 0; chunk < (isPrefill ? 2 : 1); ++chunk) {
            ScopeKey inner = key;
            if (isPrefill) inner.chunk = ChunkIndex(chunk);
            op(inner, Op::Attention, isFull ? 40 : 10, cost::denseShape(1, 3, 4, 2, 8, cost::DType::F32));
            clock_.advance(std::chrono::microseconds(2));  // between operations
        }
        if (isPrefill) {
            for (std::int32_t s = 0; s < script_.sequences; ++s) {
                observer_.kvSettled(SequenceIndex(s), {}, key.step, LayerIndex(index),
                                    {.bytesKept = isFull ? 384 : 128, .bytesFreed = isFull ? 0 : 256});
            }
        }
    }

    void op(ScopeKey key, Op which, int lasting_us, const cost::OpShape& shape) {
        key.op = which;
        const ObservedScope scope(observer_, key, shape);
        clock_.advance(std::chrono::microseconds(lasting_us));
    }

    Observer& observer_;
    FakeClock clock_;
    Script script_;
};

}  // namespace fluxscope::testing
