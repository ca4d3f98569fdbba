// The step that a scope lies in, as a key.
#pragma once

#include "engine/contract/observer.h"

namespace fluxscope {

inline ScopeKey stepOf(const ScopeKey& key) {
    return {.batch = key.batch, .turn = key.turn, .phase = key.phase, .step = key.step};
}

inline bool areOfOneStep(const ScopeKey& a, const ScopeKey& b) {
    return a.step == b.step && a.phase == b.phase && a.turn == b.turn && a.batch == b.batch;
}

}  // namespace fluxscope
