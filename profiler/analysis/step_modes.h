// In which mode a layer ran a step: full, sparse, or mixed when the sequences of a batch (or the heads of a layer) differ.
//
// A decision holds from where it fell. The prefill's holds for the prefill and on; a probe asks after its step, so what it
// says of the layer holds from the next step on. A probe that did not act repeats the mode that the layer has, whatever its
// router would have said: that is the decision's margin, not its mode.
#pragma once

#include "profiler/capture/snapshot.h"

#include <map>
#include <string_view>
#include <vector>

namespace fluxscope {

enum class StepMode : std::uint8_t { Full, Sparse, Mixed, Unknown };

std::string_view nameOf(StepMode mode);

// The modes of one run.
class StepModes {
public:
    StepModes(const Snapshot& snapshot, RunIndex run);

    // Unknown: outside the layers, or no decision recorded.
    StepMode of(BatchIndex batch, TurnIndex turn, StepIndex step, LayerIndex layer) const;
    StepMode ofSequence(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer) const;

private:
    struct Since {
        std::int32_t turn = 0;
        std::int32_t step = 0;  // the step it fell in
        std::int32_t heads = 0;
        std::int32_t fullHeads = 0;
    };
    using Key = std::pair<SequenceIndex, LayerIndex>;

    std::map<Key, std::vector<Since>> since_;  // rising
    std::map<BatchIndex, std::vector<SequenceIndex>> sequences_;
};

}  // namespace fluxscope
