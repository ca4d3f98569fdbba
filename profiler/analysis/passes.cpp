#include "profiler/analysis/passes.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fluxscope {

namespace {

using Asked = std::vector<std::tuple<SequenceIndex, BatchIndex, std::string, std::int64_t>>;

Asked askedOf(const Snapshot& snapshot, const std::map<std::int64_t, const PromptRow*>& prompts,
              RunIndex run) {
    Asked asked;
    for (const SequenceRow& row : snapshot.sequences) {
        if (row.run != run) continue;
        const auto prompt = prompts.find(row.prompt);
        asked.emplace_back(row.sequence, row.batch,
                           prompt == prompts.end() ? std::string() : prompt->second->id, row.promptTokens);
    }
    std::ranges::sort(asked);
    return asked;
}

}  // namespace

Passes passesOf(const Snapshot& snapshot, RunIndex run) {
    Passes passes;
    const auto about = std::ranges::find(snapshot.runs, run, &RunRow::run);
    if (about == snapshot.runs.end()) return passes;
    const auto setting = [](const RunRow& r) {
        return std::tie(r.model, r.policyJson, r.sparse, r.device, r.dtype, r.chunkTokens);
    };
    std::map<std::int64_t, const PromptRow*> prompts;
    for (const PromptRow& prompt : snapshot.prompts) prompts.emplace(prompt.prompt, &prompt);
    const Asked asked = askedOf(snapshot, prompts, run);
    for (const RunRow& row : snapshot.runs) {
        const bool timeline = row.role == "timeline";
        if (!timeline && row.role != "counters") continue;
        if (row.run != run && (row.outcome.value_or("") != "finished" || setting(row) != setting(*about) ||
                               askedOf(snapshot, prompts, row.run) != asked))
            continue;
        std::optional<RunIndex>& pass = timeline ? passes.timeline : passes.counters;
        if (pass != run) pass = row.run;
    }
    return passes;
}

}  // namespace fluxscope
