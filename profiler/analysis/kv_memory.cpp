#include "profiler/analysis/kv_memory.h"

#include "profiler/analysis/routing_table.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fluxscope {

namespace {

using When = std::pair<TurnIndex, StepIndex>;

void add(KvBytes& sum, const KvFacts& kv) {
    sum.kept += static_cast<double>(kv.bytesKept);
    sum.freed += static_cast<double>(kv.bytesFreed);
}

void take(KvBytes& sum, const KvFacts& kv) {
    sum.kept -= static_cast<double>(kv.bytesKept);
    sum.freed -= static_cast<double>(kv.bytesFreed);
}

}  // namespace

KvMemory kvMemory(const Snapshot& snapshot, RunIndex run, std::optional<SequenceIndex> wanted) {
    KvMemory memory;
    memory.run = run;
    memory.origin = "reserved by the engine, recorded";
    for (const RunRow& row : snapshot.runs)
        if (row.run == run) memory.policy = row.policyName;

    std::map<SequenceIndex, const SequenceRow*> sequences;
    for (const SequenceRow& row : snapshot.sequences)
        if (row.run == run && (!wanted || row.sequence == *wanted)) sequences.emplace(row.sequence, &row);

    struct Record {
        When when;
        SequenceIndex sequence;
        LayerIndex layer;
        KvFacts kv;
    };
    std::vector<Record> records;
    snapshot.kv.each([&](const KvRow& row) {
        if (row.run != run || row.layer.value() < 0 || row.layer.value() >= kMostLayers) return;
        if (row.kv.bytesKept < 0 || row.kv.bytesFreed < 0) return;  // of a file that was edited
        if (sequences.contains(row.sequence))
            records.push_back({{row.turn, row.step}, row.sequence, row.layer, row.kv});
    });
    std::stable_sort(records.begin(), records.end(),
                     [](const Record& a, const Record& b) { return a.when < b.when; });

    std::map<std::pair<SequenceIndex, LayerIndex>, KvFacts> held;
    for (const Record& r : records) {
        const auto [at, isNew] = held.try_emplace({r.sequence, r.layer}, r.kv);
        if (!isNew) take(memory.total, at->second);
        at->second = r.kv;
        add(memory.total, r.kv);
        if (memory.moments.empty() || When{memory.moments.back().turn, memory.moments.back().step} != r.when)
            memory.moments.push_back({r.when.first, r.when.second, {}});
        memory.moments.back().bytes = memory.total;
    }

    std::map<LayerIndex, KvLayer> layers;
    std::map<SequenceIndex, KvBytes> bySequence;
    for (const auto& [key, kv] : held) {
        KvLayer& layer = layers[key.second];
        layer.layer = key.second;
        layer.sequences += 1;
        add(layer.bytes, kv);
        add(bySequence[key.first], kv);
    }
    for (const auto& [index, layer] : layers) memory.layers.push_back(layer);

    std::map<BatchIndex, KvBatch> batches;
    for (const auto& [index, bytes] : bySequence) {
        const SequenceRow& row = *sequences.at(index);
        KvSequence s{index, row.batch, {}, row.promptTokens, bytes};
        for (const PromptRow& prompt : snapshot.prompts)
            if (prompt.prompt == row.prompt) s.promptId = prompt.id;
        memory.sequences.push_back(std::move(s));
        KvBatch& batch = batches[row.batch];
        batch.batch = row.batch;
        batch.sequences += 1;
        batch.bytes.kept += bytes.kept;
        batch.bytes.freed += bytes.freed;
    }
    for (const auto& [index, batch] : batches) memory.batches.push_back(batch);
    return memory;
}

}  // namespace fluxscope
