#include "engine/generate/requests.h"

#include "engine/contract/error.h"

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

PreparedPrompt prepare(const Prompt& prompt, const ModelConfig& config, const Tokenizer& tokenizer) {
    PreparedPrompt prepared;
    if (std::holds_alternative<std::vector<ChatMessage>>(prompt.content))
        throw UsageError(whereOf(prompt), "messages", "need the model's chat template, which is not read yet",
                         "give its text instead");
    if (const auto* ids = std::get_if<std::vector<TokenId>>(&prompt.content)) {
        prepared.ids = *ids;
        prepared.text = spelled(*ids, tokenizer);
    } else {
        prepared.text = std::get<std::string>(prompt.content);
        const auto began = std::chrono::steady_clock::now();
        Encoding encoding = tokenizer.encode(prepared.text, true);
        prepared.tokenizingSeconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        prepared.ids = std::move(encoding.ids);
        prepared.byteRanges = std::move(encoding.ranges);
    }
    requireIds(prepared.ids, whereOf(prompt), config);
    return prepared;
}

void requireChunk(std::int32_t chunkTokens) {
    if (chunkTokens < 0)
        throw UsageError("--chunk", "", "is negative",
                         "give a number of tokens, or 0 to let the engine choose");
}

}  // namespace

std::vector<PreparedPrompt> preparePrompts(const std::vector<Prompt>& prompts, const ModelConfig& config,
                                           const Tokenizer& tokenizer) {
    std::vector<PreparedPrompt> prepared;
    prepared.reserve(prompts.size());
    for (const Prompt& prompt : prompts) prepared.push_back(prepare(prompt, config, tokenizer));
    return prepared;
}

void requireReadable(const SparseForm& sparse) {
    if (sparse.granularity == Granularity::Block)
        throw UsageError("--sparse", "granularity", "is block, which is not computed yet",
                         "use granularity=token");
    if (sparse.window < 1 || sparse.sink < 0 || sparse.window > (1 << 24) || sparse.sink > (1 << 24))
        throw UsageError("--sparse", "sink and window", "are out of range",
                         "use a sink from 0 and a window from 1 token");
}

void requireRunnable(const RunRequest& request) {
    if (request.prompts.empty())
        throw UsageError("the run", "prompts", "are missing", "give at least one prompt");
    if (request.maxNew < 1)
        throw UsageError("--max-new", "", "is " + std::to_string(request.maxNew),
                         "generate at least one token");
    requireChunk(request.chunkTokens);
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
