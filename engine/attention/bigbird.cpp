// BigBird: global blocks, a window of blocks, and blocks drawn at random, the same for all heads of a layer.
#include "engine/attention/detail/rules.h"

#include <algorithm>

namespace fluxscope {

TileRule bigBirdRule(const SparseForm& form, const PrefillPlace& place) {
    return {.sink = form.sink * form.block,
            .window = form.window,
            .block = form.block,
            .drawn = form.random,
            .draw = mixedSeed(static_cast<std::uint64_t>(form.seed),
                              static_cast<std::uint64_t>(place.layer.value())),
            .modelWindow = modelWindowOf(place)};
}

bool bigBirdSees(const SparseForm& form, const PrefillPlace& place, std::int64_t i, std::int64_t j) {
    const std::int64_t queryBlock = i / form.block;
    const std::int64_t keyBlock = j / form.block;
    if (keyBlock < form.sink) return true;
    const std::vector<std::int64_t> drawn = bigBirdRule(form, place).drawnBlocks(queryBlock);
    const bool local = queryBlock - keyBlock < form.window;
    const bool random = std::find(drawn.begin(), drawn.end(), keyBlock) != drawn.end();
    return (local || random) && inModelWindow(place, i, j);
}

}  // namespace fluxscope
