// Decisions as results show them.
#pragma once

#include "engine/contract/run.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope::cli {

LayerDecisions decisionsOf(const std::vector<LayerRouting>& layers);

// 1 where all heads of the layer are full, by layer.
std::vector<std::int32_t> layerDigits(const LayerDecisions& decisions);
// 1 is full, by layer and KV head: [layers, kvHeads], row major.
std::vector<std::int32_t> headDigits(const LayerDecisions& decisions, std::int32_t kvHeads);
// "Fs~": full, sparse, and a layer whose heads differ.
std::string layerLetters(const LayerDecisions& decisions);

}  // namespace fluxscope::cli
