#include "engine/generate/requests.h"

#include "engine/contract/error.h"

#include <algorithm>
#include <chrono>

namespace fluxscope {
namespace {

std::string whereOf(const Prompt& prompt) {
    return "prompt " + (prompt.id.empty() ? std::string("without id") : prompt.id);
}

void requireIds(const std::vector<TokenId>& ids, const std::string& where, const ModelConfig& config) {
    if (ids.empty()) throw UsageError(where, "", "is empty", "give at least one token");
    if (static_cast<std::int64_t>(ids.size()) > config.context)
        throw UsageError(where, "",
                         "has " + std::to_string(ids.size()) + " tokens but the model's context holds " +
                             std::to_string(config.context),
                         "shorten it");
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (ids[i].value() < 0 || ids[i].value() >= config.vocabulary)
            throw UsageError(where, "ids[" + std::to_string(i) + "]",
                             "is " + std::to_string(ids[i].value()) + ", and the vocabulary has 0 to " +
                                 std::to_string(config.vocabulary - 1),
                             "use ids of this model's tokenizer");
}

// For people to read: ids need not spell whole characters.
std::string spelled(const std::vector<TokenId>& ids, const Tokenizer& tokenizer) {
    TextStream stream(tokenizer);
    std::string text;
    for (const TokenId id : ids) text += stream.append(id);
    return text + stream.finish();
}

// A text is what a user says, where the model has a chat template and nobody wants it raw.
std::vector<ChatMessage> messagesOf(const Prompt& prompt, bool raw, const LoadedModel& model) {
    if (const auto* messages = std::get_if<std::vector<ChatMessage>>(&prompt.content)) {
        if (model.chat) return *messages;
        throw UsageError(whereOf(prompt), "messages", "need a chat template, and this model has none",
                         "give a text instead");
    }
    if (raw || !model.chat || !std::holds_alternative<std::string>(prompt.content)) return {};
    return {{.role = "user", .content = std::get<std::string>(prompt.content)}};
}

PreparedPrompt prepare(const Prompt& prompt, bool raw, const LoadedModel& model) {
    PreparedPrompt prepared;
    if (const auto* ids = std::get_if<std::vector<TokenId>>(&prompt.content)) {
        prepared.ids = *ids;
        prepared.text = spelled(*ids, model.tokenizer);
    } else {
        const auto began = std::chrono::steady_clock::now();
        prepared.messages = messagesOf(prompt, raw, model);
        const bool chat = !std::holds_alternative<std::string>(prompt.content) || !prepared.messages.empty();
        prepared.text = chat ? model.chat->render(prepared.messages) : std::get<std::string>(prompt.content);
        // A template writes its special tokens itself.
        Encoding encoding = model.tokenizer.encode(prepared.text, !chat);
        prepared.tokenizingSeconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        prepared.ids = std::move(encoding.ids);
        prepared.byteRanges = std::move(encoding.ranges);
    }
    requireIds(prepared.ids, whereOf(prompt), model.transformer.config());
    return prepared;
}

void requireChunk(std::int32_t chunkTokens) {
    if (chunkTokens < 0)
        throw UsageError("--chunk", "", "is negative",
                         "give a number of tokens, or 0 to let the engine choose");
}

void requireForced(const RunRequest& request) {
    const std::size_t prompts = request.prompts.size();
    if (!request.forcedIds.empty() && !request.replay.empty())
        throw UsageError("--force-ids", "", "comes with --replay, which forces ids of its own",
                         "give one of them");
    if (!request.forcedIds.empty() && request.forcedIds.size() != prompts)
        throw UsageError("--force-ids", "",
                         "has ids for " + std::to_string(request.forcedIds.size()) +
                             " prompts, and there are " + std::to_string(prompts),
                         "give one list of ids for each prompt");
    if (!request.forcedIds.empty() && !request.followUps.empty())
        throw UsageError("--force-ids", "", "comes with follow-ups", "force the ids of one turn only");
}

bool isFull(const Decision& decision) { return decision.attention == Attention::Full; }

UsageError otherModel() {
    return {"--replay", "", "holds decisions for another model than this one",
            "replay with the model that was recorded"};
}

UsageError damaged(const std::string& problem) {
    return {"--replay", "", problem, "replay a run as it was recorded"};
}

// Full or sparse of each KV head, by layer.
using HeadModes = std::vector<std::vector<bool>>;

HeadModes modesOf(const LayerDecisions& decisions, const ModelFacts& facts) {
    const auto heads = static_cast<std::size_t>(facts.kvHeads);
    if (decisions.size() != static_cast<std::size_t>(facts.layers)) throw otherModel();
    HeadModes modes;
    for (const std::vector<Decision>& layer : decisions) {
        if (layer.size() != 1 && layer.size() != heads) throw otherModel();
        std::vector<bool>& own = modes.emplace_back(heads);
        for (std::size_t head = 0; head < heads; ++head)
            own[head] = isFull(layer[layer.size() == 1 ? 0 : head]);
    }
    return modes;
}

// What a probe says must be about whole layers, and may only have turned them sparse. `modes` become what holds after it.
void requireProbe(const ReplayedTurn& turn, const ProbedStep& probe, const ModelFacts& facts,
                  HeadModes& modes) {
    const HeadModes after = modesOf(probe.layers, facts);
    for (std::size_t l = 0; l < after.size(); ++l) {
        if (probe.layers[l].size() != 1 || turn.decisions[l].size() != 1)
            throw damaged("has a probe of layer " + std::to_string(l) + ", which was decided by head");
        if (after[l].front() && !modes[l].front())
            throw damaged("has a probe at step " + std::to_string(probe.step.value()) + " that turns layer " +
                          std::to_string(l) + " from sparse to full");
    }
    modes = after;
}

// Turn by turn: what a kept cache holds must be what the turn after it was given.
void requireTurns(const ReplayedSequence& sequence, const ModelFacts& facts) {
    HeadModes modes;
    const ReplayedTurn* before = nullptr;
    for (const ReplayedTurn& turn : sequence.turns) {
        const HeadModes decided = modesOf(turn.decisions, facts);
        if (before && turn.keptCache && decided != modes)
            throw damaged("has a follow-up on a kept cache with other decisions than the turn before it");
        if (before && turn.keptCache &&
            (turn.promptIds.empty() || turn.promptIds.front() != before->ids.back()))
            throw damaged("has a follow-up on a kept cache that does not begin with the last token said");
        modes = decided;
        StepIndex last;
        for (const ProbedStep& probe : turn.probes) {
            if (probe.step <= last) throw damaged("has probes whose steps do not rise");
            last = probe.step;
            requireProbe(turn, probe, facts, modes);
        }
        before = &turn;
    }
}

void requireReplay(const RunRequest& request, const ModelFacts& facts) {
    if (request.replay.empty()) return;
    if (request.replay.size() != request.prompts.size())
        throw UsageError("--replay", "",
                         "holds " + std::to_string(request.replay.size()) + " sequences, and there are " +
                             std::to_string(request.prompts.size()) + " prompts",
                         "replay a run with its own prompts");
    if (!request.followUps.empty())
        throw UsageError("--replay", "", "comes with follow-ups, and has turns of its own",
                         "replay without --follow-up");
    if (request.probe)
        throw UsageError("--replay", "", "comes with a probe, and repeats those that were recorded",
                         "replay without --probe");
    const std::size_t turns = request.replay.front().turns.size();
    for (const ReplayedSequence& sequence : request.replay) {
        if (sequence.turns.empty() || sequence.turns.size() != turns)
            throw damaged("has prompts with different numbers of turns");
        for (const ReplayedTurn& turn : sequence.turns)
            if (turn.ids.empty()) throw damaged("has a turn without an answer");
        requireTurns(sequence, facts);
    }
}

void requireReplayedIds(const ReplayedSequence& sequence, const std::string& where,
                        const ModelConfig& config) {
    for (std::size_t t = 0; t < sequence.turns.size(); ++t) {
        const ReplayedTurn& turn = sequence.turns[t];
        requireIds(turn.ids, where + ": replayed ids", config);
        if (t > 0) requireIds(turn.promptIds, where + ": replayed follow-up", config);
        if (turn.positions < 0 || turn.positions > config.context)
            throw UsageError(where, "",
                             "had a cache of " + std::to_string(turn.positions) +
                                 " positions when it was recorded, and the model's context holds " +
                                 std::to_string(config.context),
                             "replay with the model that was recorded");
    }
}

}  // namespace

std::size_t turnsOf(const RunRequest& request) {
    return request.replay.empty() ? request.followUps.size() + 1 : request.replay.front().turns.size();
}

bool repeatsProbes(const RunRequest& request) {
    const auto probed = [](const ReplayedTurn& turn) { return !turn.probes.empty(); };
    return std::any_of(request.replay.begin(), request.replay.end(), [&](const ReplayedSequence& sequence) {
        return std::any_of(sequence.turns.begin(), sequence.turns.end(), probed);
    });
}

bool turnsLayersSparse(const RunRequest& request) {
    if (request.probe) return request.probe->act;
    for (const ReplayedSequence& sequence : request.replay)
        for (const ReplayedTurn& turn : sequence.turns)
            for (const ProbedStep& probe : turn.probes)
                for (std::size_t l = 0; l < probe.layers.size(); ++l)
                    if (!isFull(probe.layers[l].front()) && isFull(turn.decisions[l].front())) return true;
    return false;
}

std::vector<PreparedPrompt> preparePrompts(const RunRequest& request, const LoadedModel& model) {
    const ModelConfig& config = model.transformer.config();
    std::vector<PreparedPrompt> prepared;
    prepared.reserve(request.prompts.size());
    for (const Prompt& prompt : request.prompts) prepared.push_back(prepare(prompt, request.raw, model));
    for (std::size_t i = 0; i < request.forcedIds.size(); ++i)
        requireIds(request.forcedIds[i], whereOf(request.prompts[i]) + ": forced ids", config);
    for (std::size_t i = 0; i < request.replay.size(); ++i)
        requireReplayedIds(request.replay[i], whereOf(request.prompts[i]), config);
    return prepared;
}

void requireRunnable(const RunRequest& request, const ModelFacts& facts) {
    const std::size_t prompts = request.prompts.size();
    if (prompts == 0) throw UsageError("the run", "prompts", "are missing", "give at least one prompt");
    if (request.maxNew < 1)
        throw UsageError("--max-new", "", "is " + std::to_string(request.maxNew),
                         "generate at least one token");
    if (request.batch < 1)
        throw UsageError("--batch", "", "is " + std::to_string(request.batch),
                         "give 1 or more prompts at once");
    requireChunk(request.chunkTokens);
    requireUsable(request.sampling);
    requireForced(request);
    requireReplay(request, facts);
    if (!request.probe) return;
    if (request.probe->every < 1)
        throw UsageError("--probe", "", "is " + std::to_string(request.probe->every),
                         "give the number of decode steps between two probes");
    if (!request.followUps.empty() && request.turns == TurnMode::Keep)
        throw UsageError("--probe", "", "comes with follow-ups on a kept cache, which no router sees",
                         "redo the cache each turn (--turns redo), or give no follow-ups");
    if (facts.routerParameters == 0)
        throw UsageError("--probe", "", "asks routers, and the model has none",
                         "use a model with routers, or train some");
}

void requireForward(const ForwardRequest& request, const ModelConfig& config) {
    requireIds(request.ids, "--ids", config);
    requireChunk(request.chunkTokens);
    const auto tokens = static_cast<std::int64_t>(request.ids.size());
    if (request.firstPosition < 0 || request.firstPosition > request.endPosition ||
        request.endPosition > tokens)
        throw UsageError("--positions", "",
                         "are " + std::to_string(request.firstPosition) + " to " +
                             std::to_string(request.endPosition) + ", and there are " +
                             std::to_string(tokens) + " tokens",
                         "give positions A:B with 0 <= A <= B <= the number of tokens");
}

}  // namespace fluxscope
