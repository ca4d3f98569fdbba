// Longformer: global keys and a window, whose keys may lie `dilation` apart. Without dilation it is a band (band.cpp).
#include "engine/attention/detail/rules.h"

namespace fluxscope {

TileRule longformerRule(const SparseForm& form, const PrefillPlace& place) {
    return {.sink = form.sink,
            .window = form.window * form.dilation,
            .dilation = form.dilation,
            .modelWindow = modelWindowOf(place)};
}

bool longformerSees(const SparseForm& form, const PrefillPlace& place, std::int64_t i, std::int64_t j) {
    const bool local = (i - j) % form.dilation == 0 && i - j < form.window * form.dilation;
    return j < form.sink || (local && inModelWindow(place, i, j));
}

}  // namespace fluxscope
