// A small capture, recorded by the recorder itself from a scripted run; and a snapshot as text, to compare two of them.
#pragma once

#include "profiler/capture/snapshot.h"
#include "profiler/record/recorder.h"
#include "tests/record/scripted_run.h"

#include <filesystem>
#include <string>

namespace fluxscope::testing {

inline void record(const std::filesystem::path& file, const Script& script = {}) {
    const FakeClock clock;
    Recorder recorder(file, {.clock = clock.reader()});
    ScriptedRun(recorder, clock, script).run();
    recorder.finish();
}

inline std::string textOf(const Snapshot& snapshot) {
    std::string text = "\n";
    const auto line = [&text](const auto&... parts) { (((text += parts) += " "), ...) += "\n"; };
    const auto number = [](auto value) { return std::to_string(value); };
    for (const std::string& problem : snapshot.problems) line("problem", problem);
    for (const RunRow& r : snapshot.runs) {
        line("run", number(r.run.value()), r.policyName, r.outcome.value_or("-"), number(r.dropped));
    }
    for (const SequenceRow& r : snapshot.sequences) {
        line("sequence", number(r.run.value()), number(r.sequence.value()), number(r.batch.value()),
             number(r.prompt));
    }
    for (const PromptRow& r : snapshot.prompts)
        line("prompt", r.id, r.kind, r.split, r.text.value_or("-"), r.answer);
    snapshot.decisions.each([&](const DecisionRow& r) {
        line("decision", number(r.run.value()), number(r.sequence.value()), number(r.step.value()),
             number(r.layer.value()), std::string(nameOf(r.decision.attention)),
             std::string(nameOf(r.decision.by)), r.decision.logits ? number(r.decision.logits->full) : "-",
             r.decision.threshold ? number(*r.decision.threshold) : "-");
    });
    snapshot.kv.each([&](const KvRow& r) {
        line("kv", number(r.sequence.value()), number(r.layer.value()), number(r.kv.bytesKept),
             number(r.kv.bytesFreed));
    });
    snapshot.tokens.each([&](const TokenRow& r) {
        line("token", number(r.run.value()), number(r.sequence.value()), number(r.position),
             number(r.step.value()), number(r.token.value()), r.text, number(r.logprob),
             number(r.emitted.count()));
    });
    snapshot.layerSteps.each([&](const LayerStepRow& r) {
        line("cost", number(r.run.value()), std::string(nameOf(r.phase)), number(r.step.value()),
             number(r.layer.value()), number(r.time.count()), number(r.router.count()),
             number(r.attention.count()), r.timeSource, number(r.bytesRead), number(r.flops), r.bytesSource,
             number(r.costVersion));
    });
    return text;
}

}  // namespace fluxscope::testing
