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
    if ((!request.forcedIds.empty() || !request.replay.empty()) && !request.followUps.empty())
        throw UsageError("--force-ids", "", "comes with follow-ups", "force the ids of one turn only");
}

void requireReplay(const RunRequest& request, const ModelFacts& facts) {
    if (request.replay.empty()) return;
    if (request.replay.size() != request.prompts.size())
        throw UsageError("--replay", "",
                         "holds " + std::to_string(request.replay.size()) + " sequences, and there are " +
                             std::to_string(request.prompts.size()) + " prompts",
                         "replay a run with its own prompts");
    const auto layers = static_cast<std::size_t>(facts.layers);
    const auto heads = static_cast<std::size_t>(facts.kvHeads);
    for (const ReplayedSequence& sequence : request.replay) {
        const bool fits = sequence.decisions.size() == layers &&
                          std::all_of(sequence.decisions.begin(), sequence.decisions.end(),
                                      [&](const auto& d) { return d.size() == 1 || d.size() == heads; });
        if (!fits)
            throw UsageError("--replay", "", "holds decisions for another model than this one",
                             "replay with the model that was recorded");
    }
}

}  // namespace

std::vector<PreparedPrompt> preparePrompts(const RunRequest& request, const LoadedModel& model) {
    const ModelConfig& config = model.transformer.config();
    std::vector<PreparedPrompt> prepared;
    prepared.reserve(request.prompts.size());
    for (const Prompt& prompt : request.prompts) prepared.push_back(prepare(prompt, request.raw, model));
    for (std::size_t i = 0; i < request.forcedIds.size(); ++i)
        requireIds(request.forcedIds[i], whereOf(request.prompts[i]) + ": forced ids", config);
    for (std::size_t i = 0; i < request.replay.size(); ++i)
        requireIds(request.replay[i].ids, whereOf(request.prompts[i]) + ": replayed ids", config);
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
