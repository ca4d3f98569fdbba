// The fields that Flux Attention's training adds to config.json: how its routers pool, and the sparse mode that they were
// trained against. What the published classes leave out stands in its place here; a form that they cannot run is refused.
#pragma once

#include "engine/checkpoint/routers.h"

namespace fluxscope {

RouterSource readFluxConfig(const JsonFields& config);

}  // namespace fluxscope
