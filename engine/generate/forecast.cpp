#include "engine/generate/forecast.h"

#include "engine/contract/error.h"
#include "engine/generate/chunk_size.h"
#include "engine/generate/fidelity.h"
#include "engine/prefill/head_groups.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>

namespace fluxscope {
namespace {

std::string bytesText(std::int64_t bytes) {
    const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < std::size(units)) {
        value /= 1024;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

// MemAvailable: what the kernel says can be had without swapping. Unknown: no limit is claimed.
std::int64_t availableHostBytes() {
    std::ifstream info("/proc/meminfo");
    std::string name;
    std::int64_t kilobytes = 0;
    std::string unit;
    while (info >> name >> kilobytes && std::getline(info, unit))
        if (name == "MemAvailable:") return kilobytes * 1024;
    return std::numeric_limits<std::int64_t>::max();
}

struct Sizes {
    std::int64_t tokens = 0;     // of the prompt
    std::int64_t positions = 0;  // that it may come to have
};

// Of a recording everything is known.
Sizes sizesOf(const ReplayedSequence& sequence, std::int64_t promptTokens) {
    Sizes sizes;
    std::int64_t said = 0;  // tokens of the conversation so far
    for (const ReplayedTurn& turn : sequence.turns) {
        const auto more = static_cast<std::int64_t>(turn.promptIds.size());
        if (said == 0)
            said = promptTokens;
        else
            said = turn.keptCache ? said + more - 1 : more;
        sizes.tokens = std::max(sizes.tokens, turn.keptCache ? more : said);
        said += static_cast<std::int64_t>(turn.ids.size());
        sizes.positions = std::max({sizes.positions, said - 1, turn.positions});
    }
    return sizes;
}

std::vector<Sizes> sizesOf(const LoadedModel& model, const RunRequest& request,
                           const std::vector<PreparedPrompt>& prompts) {
    const std::int64_t context = model.transformer.config().context;
    std::vector<Sizes> sizes;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        if (!request.replay.empty()) {
            sizes.push_back(sizesOf(request.replay[i], static_cast<std::int64_t>(prompts[i].ids.size())));
            continue;
        }
        const auto tokens = static_cast<std::int64_t>(prompts[i].ids.size());
        const auto turns = static_cast<std::int64_t>(request.followUps.size() + 1);
        const std::int64_t forced =
            request.forcedIds.empty() ? 0 : static_cast<std::int64_t>(request.forcedIds[i].size());
        const std::int64_t fresh = forced > 0 ? forced : turns * request.maxNew;
        sizes.push_back({tokens, std::min(context, tokens + fresh)});
    }
    return sizes;
}

std::int64_t kvBytes(const LoadedModel& model, Attention attention, const SparseForm& sparse,
                     std::int64_t positions) {
    const ModelConfig& config = model.transformer.config();
    const std::int64_t slot = 2 * config.kvHeads * config.headDim *
                              static_cast<std::int64_t>(elementSize(model.transformer.compute().type));
    std::int64_t bytes = 0;
    for (std::int64_t l = 0; l < config.layers; ++l) {
        const GroupRule rule = ruleOf(attention, sparse, config.slidingWindow(LayerIndex::of(l)));
        const std::int64_t kept =
            rule.keeps ? std::min(positions, rule.keeps->sink + rule.keeps->window) : positions;
        bytes += kept * slot;
    }
    return bytes;
}

}  // namespace

std::int64_t availableBytes(const Compute& compute) {
    if (!compute.isCuda()) return availableHostBytes();
    const auto [free, total] = at::accelerator::getMemoryInfo(compute.device.index());
    static_cast<void>(total);
    // What LibTorch holds in its cache is free for it, though not for others.
    const auto stats = at::getDeviceAllocator(compute.device.type())->getDeviceStats(compute.device.index());
    constexpr std::size_t all = 0;  // of small and large blocks together
    return static_cast<std::int64_t>(free) + stats.reserved_bytes[all].current -
           stats.allocated_bytes[all].current;
}

Forecast forecastOf(const LoadedModel& model, const RunRequest& request, const SparseForm& sparse,
                    const std::vector<PreparedPrompt>& prompts) {
    const ModelConfig& config = model.transformer.config();
    const Compute& compute = model.transformer.compute();
    const auto element = static_cast<std::int64_t>(elementSize(compute.type));
    const std::vector<Sizes> sizes = sizesOf(model, request, prompts);

    Forecast forecast{.weights = model.facts.parameters * element + model.facts.routerParameters * 4,
                      .activations = 0,
                      .kvAllSparse = 0,
                      .kvAllFull = 0,
                      .available = availableBytes(compute)};
    const std::int64_t chunk = chunkTokensOf(request.chunkTokens, model.transformer, sparse);
    const bool wholeScratch = ruleOf(Attention::Sparse, sparse, std::nullopt).need.whole;
    for (std::size_t first = 0; first < sizes.size(); first += static_cast<std::size_t>(request.batch)) {
        const std::size_t end = std::min(sizes.size(), first + static_cast<std::size_t>(request.batch));
        std::int64_t tokens = 0;
        std::int64_t longest = 0;
        std::int64_t positions = 0;
        std::int64_t sparseKv = 0;
        std::int64_t fullKv = 0;
        for (std::size_t i = first; i < end; ++i) {
            tokens += sizes[i].tokens;
            longest = std::max(longest, sizes[i].tokens);
            positions = std::max(positions, sizes[i].positions);
            sparseKv += kvBytes(model, Attention::Sparse, sparse, sizes[i].positions);
            fullKv += kvBytes(model, Attention::Full, sparse, sizes[i].positions);
        }
        if (request.fidelity) {  // beside it runs policy full, with a cache of its own
            sparseKv += fullKv;
            fullKv += fullKv;
        }
        const std::int64_t rows = std::min(chunk, longest);
        // Hidden states; a chunk's normed rows, queries, keys, values, attended rows and the feed-forward's three; the
        // rotary table; a layer's keys and values as scratch; the logits of one position each.
        const std::int64_t each =
            3 * config.hidden + (4 * config.heads + 4 * config.kvHeads) * config.headDim + 3 * config.inner;
        const std::int64_t scratch =
            wholeScratch ? longest : std::min(longest, sparse.decodeSink() + sparse.decodeWindow() + rows);
        std::int64_t activations =
            element * (tokens * config.hidden + rows * each + 2 * scratch * config.kvHeads * config.headDim) +
            4 * (positions * config.headDim + static_cast<std::int64_t>(end - first) * 4 * config.vocabulary);
        if (request.fidelity)  // its hidden states too, and rows of both distributions in fp32 and fp64
            activations += element * tokens * config.hidden +
                           std::min(longest, kComparedAtOnce) * 40 * config.vocabulary;
        forecast.activations = std::max(forecast.activations, activations);
        forecast.kvAllSparse = std::max(forecast.kvAllSparse, sparseKv);
        forecast.kvAllFull = std::max(forecast.kvAllFull, fullKv);
    }
    return forecast;
}

std::string textOf(const Forecast& f) {
    return "needs " + bytesText(f.activations + f.kvAllSparse) + " with all layers sparse to " +
           bytesText(f.activations + f.kvAllFull) + " with all full, beside " + bytesText(f.weights) +
           " of weights, and " + bytesText(f.available) + " are free";
}

void requireFits(const Forecast& forecast, const Policy& policy) {
    const bool isFull = std::holds_alternative<FullPolicy>(policy.kind());
    const std::int64_t least =
        isFull ? forecast.kvAllFull : std::min(forecast.kvAllSparse, forecast.kvAllFull);
    if (least + forecast.activations <= forecast.available) return;
    throw MachineError("the run", "", "cannot fit: it " + textOf(forecast),
                       "use shorter prompts, fewer at once (--batch), another --dtype or a smaller model");
}

}  // namespace fluxscope
