// What a run settled on before it began.
#pragma once

#include "engine/contract/observer.h"

namespace fluxscope {

struct RunPlan {
    Policy policy;  // with what had to be measured first
    SparseForm sparse;
    ObserverNeeds obeyed;
    bool ahead = false;  // tokens are chosen where the model computes, and the host runs ahead of them
};

}  // namespace fluxscope
