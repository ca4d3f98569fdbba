// A capture that nobody recorded: 28 layers, 18 prompts of four kinds, 48 decode steps, all from one formula.
#pragma once

#include "profiler/capture/snapshot.h"

#include <cmath>

namespace fluxscope {

struct SampleShape {
    int layers = 28;
    int prompts = 18;
    int steps = 49;         // with the prefill
    std::string hostileId;  // taken for the first prompt when not empty
};

inline SnapshotPtr sampleSnapshot(const SampleShape& shape = {}) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->file = "/captures/sample.fluxdb";
    snapshot->generation = 1;
    const char* const kinds[] = {"needle", "two-hop", "arithmetic", "prose"};

    ModelRow model;
    model.model = 1;
    model.facts.name = "sample";
    model.facts.layers = shape.layers;
    model.facts.routerParameters = 1;
    snapshot->models.push_back(model);

    RunRow run;
    run.run = RunIndex(1);
    run.model = 1;
    run.role = "timed";
    run.policyName = "routed:0.5";
    run.policyJson = R"({"kind":"routed","threshold":0.5})";
    run.sparse = "streaming:sink=16,window=64,granularity=token";
    run.end = Nanoseconds(2'000'000'000);
    run.outcome = "finished";
    run.device = "cpu";
    run.dtype = "fp32";
    snapshot->runs.push_back(run);

    auto decisions = std::make_shared<std::vector<DecisionRow>>();
    auto kv = std::make_shared<std::vector<KvRow>>();
    auto costs = std::make_shared<std::vector<LayerStepRow>>();
    for (int p = 0; p < shape.prompts; ++p) {
        const std::string kind = kinds[p % 4];
        const std::string id =
            p == 0 && !shape.hostileId.empty() ? shape.hostileId : kind + "-" + std::to_string(p / 4 + 1);
        snapshot->prompts.push_back({p, id, kind, "test", "What is hidden here?", ""});
        snapshot->sequences.push_back({RunIndex(1), SequenceIndex(p), BatchIndex(p), p, 900 + 40 * p});
        for (int layer = 0; layer < shape.layers; ++layer) {
            const double p01 = 0.5 + 0.5 * std::sin(layer * 0.7 + (p % 4) * 1.3) *
                                         std::cos(layer * 0.21 + p * 0.17 + (p % 4));
            DecisionRow decision{RunIndex(1),  SequenceIndex(p),  TurnIndex(0),
                                 StepIndex(0), LayerIndex(layer), {}};
            const double q = std::min(0.995, std::max(0.005, p01));
            decision.decision.logits = RouterLogits{0, static_cast<float>(std::log(q / (1 - q)))};
            decision.decision.threshold = 0.5;
            decision.decision.by = DecidedBy::Router;
            const bool full = q > 0.5;
            decision.decision.attention = full ? Attention::Full : Attention::Sparse;
            decisions->push_back(decision);
            kv->push_back({RunIndex(1),
                           SequenceIndex(p),
                           TurnIndex(0),
                           StepIndex(0),
                           LayerIndex(layer),
                           {full ? 1'048'576 : 65'536, full ? 0 : 983'040}});
            for (int step = 0; step < shape.steps; ++step) {
                LayerStepRow row;
                row.run = RunIndex(1);
                row.batch = BatchIndex(p);
                row.phase = step == 0 ? Phase::Prefill : Phase::Decode;
                row.step = StepIndex(step);
                row.layer = LayerIndex(layer);
                const double wave = 1 + 0.15 * std::sin(step * 0.9 + layer);
                const double base = (full ? 9.0 + step * 0.08 : 3.0) * wave;
                row.time = Nanoseconds(static_cast<std::int64_t>(base * (step == 0 ? 2e6 : 2e4)));
                row.attention = row.time / 2;
                row.router = step == 0 ? Nanoseconds(30'000) : Nanoseconds(0);
                row.timeSource = "host-timer";
                row.bytesRead = static_cast<std::int64_t>(base * (step == 0 ? 4e6 : 1e5));
                row.bytesWritten = 4096;
                row.flops = row.bytesRead * 3;
                row.bytesSource = "analytic";
                costs->push_back(row);
            }
        }
        for (int step = 0; step < shape.steps; ++step) {
            LayerStepRow row;
            row.run = RunIndex(1);
            row.batch = BatchIndex(p);
            row.phase = step == 0 ? Phase::Prefill : Phase::Decode;
            row.step = StepIndex(step);
            row.layer = LayerIndex(-1);
            row.time = Nanoseconds(step == 0 ? 9'000'000 : 130'000);
            row.timeSource = "host-timer";
            row.bytesRead = 2'000'000;
            row.bytesSource = "analytic";
            costs->push_back(row);
        }
    }
    snapshot->decisions = Chunks<DecisionRow>({decisions});
    snapshot->kv = Chunks<KvRow>({kv});
    snapshot->layerSteps = Chunks<LayerStepRow>({costs});
    return snapshot;
}

}  // namespace fluxscope
