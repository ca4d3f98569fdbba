#include "engine/generate/generate.h"

#include "engine/contract/error.h"
#include "engine/decode/decode.h"
#include "engine/prefill/prefill.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/log_softmax.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <new>
#include <numeric>
#include <optional>

namespace fluxscope {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
}

// Short enough that cancelling is felt, long enough that matrix products are.
std::int64_t chunkTokensOf(std::int32_t asked, const Compute& compute) {
    if (asked > 0) return asked;
    return compute.isCuda() ? 4096 : 256;
}

struct Sampled {
    TokenId id;
    float logprob = 0;
};

Sampled sampleGreedily(const at::Tensor& logits, const LoadedModel& model, const Tracer& at) {
    const auto op =
        at.op(Op::Sample, cost::PointwiseShape{.elements = 1,
                                               .reads = model.facts.vocabulary,
                                               .flopsEach = 4 * std::int64_t{model.facts.vocabulary},
                                               .type = cost::DType::F32});
    const at::Tensor row = at::log_softmax(logits[0], -1);  // [vocabulary]
    const auto id = at::argmax(row).item<std::int64_t>();
    const auto logprob = row[id].item<float>();
    if (!std::isfinite(logprob))
        throw InputError(model.facts.path, "the weights", "give numbers that are not finite",
                         "use undamaged weights, or another --dtype");
    return {TokenId::of(id), logprob};
}

class Generation {
public:
    Generation(const LoadedModel& model, const RunRequest& request, const SparseForm& sparse, bool ops,
               Observer& observer, const CancelToken& cancel)
        : model_(model),
          request_(request),
          sparse_(sparse),
          ops_(ops),
          observer_(observer),
          cancel_(cancel) {}

    SequenceResult sequence(std::size_t index, const PreparedPrompt& prompt) {
        const BatchIndex batch = BatchIndex::of(index);
        const SequenceIndex sequence = SequenceIndex::of(index);
        observer_.batchBegan(batch, {&sequence, 1});

        SequenceResult result;
        result.promptId = request_.prompts[index].id;
        TurnResult& turn = result.turns.emplace_back();
        turn.promptIds = prompt.ids;
        const auto tokens = static_cast<std::int64_t>(prompt.ids.size());
        // The last token generated need not be computed with, so it takes no position.
        const std::int64_t mostNew =
            std::min<std::int64_t>(request_.maxNew, model_.transformer.config().context - tokens + 1);
        const SequencePlan plan{
            .sequence = sequence,
            .prompt = prompt.ids,
            .positions = tokens + mostNew - 1,
            .chunkTokens = chunkTokensOf(request_.chunkTokens, model_.transformer.compute()),
            .policy = request_.policy,
            .sparse = sparse_};
        const RotaryTable rotary = model_.transformer.rotary(plan.positions);
        KvCache kv(model_.transformer.compute());
        TextStream text(model_.tokenizer);

        const auto began = Clock::now();
        std::optional<Sampled> token;
        {
            const Tracer step(observer_, ops_, batch, Phase::Prefill, StepIndex{});
            const auto scope = step.open();
            const Router router = model_.router();
            Prefill prefill(model_.transformer, router, plan, rotary, kv, step, cancel_);
            prefill.run();
            const at::Tensor last = prefill.hidden().slice(0, tokens - 1);  // [1, hidden]
            token = sampleGreedily(model_.transformer.logits(last, step), model_, step);
            turn.layers = prefill.takeRouting();
        }
        turn.prefillSeconds = secondsSince(began);
        turn.ttftSeconds = turn.prefillSeconds + prompt.tokenizingSeconds;
        turn.kvBytes = kv.bytes();

        const auto decodeBegan = Clock::now();
        kv.setLength(tokens);
        Decode decode(model_.transformer, rotary, {&kv});
        for (std::int64_t n = 0;; ++n) {
            const StepIndex at = StepIndex::of(n);
            const bool isLast = n + 1 == mostNew || (request_.stopAtEos && isEndOfSequence(token->id));
            emit(sequence, at, *token, isLast, text, turn);
            if (isLast) break;
            if (cancel_.cancelled()) throw CancelledError("the run");
            const Tracer step(observer_, ops_, batch, Phase::Decode, StepIndex::of(n + 1));
            const auto scope = step.open();
            token = sampleGreedily(decode.step({&token->id, 1}, step), model_, step);
        }
        turn.decodeSeconds = secondsSince(decodeBegan);
        observer_.batchEnded(batch);
        return result;
    }

private:
    bool isEndOfSequence(TokenId id) const {
        const auto& ends = model_.transformer.config().endOfSequence;
        return std::find(ends.begin(), ends.end(), id) != ends.end();
    }

    void emit(SequenceIndex sequence, StepIndex step, const Sampled& token, bool isLast, TextStream& text,
              TurnResult& result) {
        TokenFacts facts{.id = token.id, .text = text.append(token.id), .logprob = token.logprob};
        if (isLast) facts.text += text.finish();
        result.ids.push_back(token.id);
        result.logprobs.push_back(token.logprob);
        result.text += facts.text;
        observer_.tokenEmitted(sequence, TurnIndex{}, step, facts);
    }

    const LoadedModel& model_;
    const RunRequest& request_;
    SparseForm sparse_;
    bool ops_;
    Observer& observer_;
    const CancelToken& cancel_;
};

RunFacts runFactsOf(const LoadedModel& model, const RunRequest& request,
                    const std::vector<PreparedPrompt>& prompts, const SparseForm& sparse,
                    const ObserverNeeds& obeyed) {
    const Compute& compute = model.transformer.compute();
    RunFacts facts{.role = request.role,
                   .repeat = request.repeat,
                   .model = model.facts,
                   .policy = request.policy,
                   .sparse = sparse,
                   .seed = request.seed,
                   .maxNew = request.maxNew,
                   .chunkTokens = static_cast<std::int32_t>(chunkTokensOf(request.chunkTokens, compute)),
                   .device = compute.deviceName(),
                   .dtype = compute.typeName(),
                   .obeyed = obeyed,
                   .sequences = {}};
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        const Prompt& asked = request.prompts[i];
        facts.sequences.push_back({.promptId = asked.id,
                                   .kind = asked.kind,
                                   .split = asked.split,
                                   .text = prompts[i].text,
                                   .answer = asked.answer,
                                   .promptIds = prompts[i].ids,
                                   .byteRanges = prompts[i].byteRanges});
    }
    return facts;
}

// LibTorch's messages are pages long and name its own sources; the first line says what happened.
std::string firstLine(const char* text) {
    return printable(std::string(text, std::strcspn(text, "\n")), 200);
}

// Runs `work` and turns what libraries throw into our errors.
template <class Work>
auto translated(Work work) {
    const c10::InferenceMode inference;
    try {
        return work();
    } catch (const c10::OutOfMemoryError& e) {
        throw MachineError("the run", "",
                           "does not fit the GPU's memory (" + firstLine(e.what_without_backtrace()) + ")",
                           "use shorter prompts, a smaller model, or another --dtype");
    } catch (const std::bad_alloc&) {
        throw MachineError("the run", "", "does not fit this machine's memory",
                           "use shorter prompts or a smaller model");
    } catch (const c10::Error& e) {
        const std::string text = firstLine(e.what_without_backtrace());
        if (text.find("alloc") != std::string::npos)
            throw MachineError("the run", "", "does not fit this machine's memory (" + text + ")",
                               "use shorter prompts or a smaller model");
        throw FaultError("the run", "", "failed in LibTorch (" + text + ")",
                         "report it with the command that led here");
    }
}

}  // namespace

RunResult generate(const LoadedModel& model, const RunRequest& request, Observer& observer,
                   const CancelToken& cancel) {
    const SparseForm sparse = request.sparse.value_or(model.defaultSparse);
    requireRunnable(request);
    requireReadable(sparse);
    request.policy.requireFits(model.facts.layers, model.facts.kvHeads, model.facts.routerParameters > 0);
    const std::vector<PreparedPrompt> prompts =
        preparePrompts(request.prompts, model.transformer.config(), model.tokenizer);

    // There are no CUDA graphs and no dependent launches yet, so every run is eager and independent whatever was asked.
    ObserverNeeds obeyed = observer.needs();
    obeyed.eager = true;
    obeyed.noDependentLaunch = true;
    observer.runBegan(runFactsOf(model, request, prompts, sparse, obeyed));
    try {
        RunResult result = translated([&] {
            RunResult sequences;
            Generation generation(model, request, sparse, obeyed.opScopes, observer, cancel);
            for (std::size_t i = 0; i < prompts.size(); ++i) {
                if (cancel.cancelled()) throw CancelledError("the run");
                sequences.sequences.push_back(generation.sequence(i, prompts[i]));
            }
            return sequences;
        });
        observer.runEnded(RunOutcome::Finished, "");
        return result;
    } catch (const CancelledError& e) {
        observer.runEnded(RunOutcome::Cancelled, e.what());
        throw;
    } catch (const std::exception& e) {
        observer.runEnded(RunOutcome::Failed, e.what());
        throw;
    }
}

ForwardResult forwardPass(const LoadedModel& model, const ForwardRequest& request,
                          const CancelToken& cancel) {
    const SparseForm sparse = request.sparse.value_or(model.defaultSparse);
    const Transformer& transformer = model.transformer;
    requireForward(request, transformer.config());
    requireReadable(sparse);
    request.policy.requireFits(model.facts.layers, model.facts.kvHeads, model.facts.routerParameters > 0);

    return translated([&] {
        Observer nobody;
        const Tracer step(nobody, false, BatchIndex{}, Phase::Prefill, StepIndex{});
        const SequencePlan plan{.sequence = SequenceIndex{},
                                .prompt = request.ids,
                                .positions = static_cast<std::int64_t>(request.ids.size()),
                                .chunkTokens = chunkTokensOf(request.chunkTokens, transformer.compute()),
                                .policy = request.policy,
                                .sparse = sparse};
        const RotaryTable rotary = transformer.rotary(plan.positions);
        KvCache kv(transformer.compute());
        const Router router = model.router();
        Prefill prefill(transformer, router, plan, rotary, kv, step, cancel);
        prefill.run();

        ForwardResult result;
        result.layers = prefill.takeRouting();
        if (request.firstPosition == request.endPosition) return result;
        const at::Tensor rows = prefill.hidden().slice(0, request.firstPosition, request.endPosition);
        const at::Tensor logits =
            transformer.logits(rows, step).to(at::kCPU).contiguous();  // [positions, vocabulary]
        const float* values = logits.const_data_ptr<float>();
        result.logits.assign(values, values + logits.numel());
        return result;
    });
}

}  // namespace fluxscope
