#include "profiler/analysis/step_modes.h"

#include <algorithm>
#include <tuple>

namespace fluxscope {

std::string_view nameOf(StepMode mode) {
    switch (mode) {
        case StepMode::Full: return "full";
        case StepMode::Sparse: return "sparse";
        case StepMode::Mixed: return "mixed";
        case StepMode::Unknown: return "unknown";
    }
    return "unknown";
}

StepModes::StepModes(const Snapshot& snapshot, RunIndex run) {
    for (const SequenceRow& row : snapshot.sequences)
        if (row.run == run && row.batch.value() >= 0) sequences_[row.batch].push_back(row.sequence);
    snapshot.decisions.each([&](const DecisionRow& row) {
        if (row.run != run || row.layer.value() < 0) return;
        std::vector<Since>& list = since_[{row.sequence, row.layer}];
        const std::int32_t full = row.decision.attention == Attention::Full ? 1 : 0;
        if (!list.empty() && list.back().turn == row.turn.value() && list.back().step == row.step.value()) {
            list.back().heads += 1;
            list.back().fullHeads += full;
        } else {
            list.push_back({row.turn.value(), row.step.value(), 1, full});
        }
    });
    // As recorded they rise; an edited file may say anything.
    for (auto& [key, list] : since_)
        std::stable_sort(list.begin(), list.end(), [](const Since& a, const Since& b) {
            return std::tie(a.turn, a.step) < std::tie(b.turn, b.step);
        });
}

StepMode StepModes::ofSequence(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                               LayerIndex layer) const {
    const auto found = since_.find({sequence, layer});
    if (found == since_.end()) return StepMode::Unknown;
    const auto holds = [&](const Since& s) {
        if (s.turn != turn.value()) return s.turn < turn.value();
        return s.step < step.value() || (s.step == 0 && step.value() == 0);
    };
    const std::vector<Since>& list = found->second;
    const auto after = std::find_if_not(list.begin(), list.end(), holds);
    if (after == list.begin()) return StepMode::Unknown;
    const Since& last = *std::prev(after);
    if (last.fullHeads == last.heads) return StepMode::Full;
    return last.fullHeads == 0 ? StepMode::Sparse : StepMode::Mixed;
}

StepMode StepModes::of(BatchIndex batch, TurnIndex turn, StepIndex step, LayerIndex layer) const {
    const auto sequences = sequences_.find(batch);
    if (sequences == sequences_.end()) return StepMode::Unknown;
    std::optional<StepMode> all;
    for (const SequenceIndex sequence : sequences->second) {
        const StepMode one = ofSequence(sequence, turn, step, layer);
        if (one == StepMode::Unknown) return one;
        if (all && *all != one) return StepMode::Mixed;
        all = one;
    }
    return all.value_or(StepMode::Unknown);
}

}  // namespace fluxscope
