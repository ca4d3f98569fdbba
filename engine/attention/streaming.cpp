// Streaming attention in the published kernel's blocks. By tokens it is a band (band.cpp).
#include "engine/attention/detail/rules.h"

namespace fluxscope {

TileRule streamingRule(const SparseForm& form, const PrefillPlace& place) {
    const std::int64_t block = form.granularity == Granularity::Block ? SparseForm::kBlock : 1;
    return {.sink = form.decodeSink(),
            .window = form.decodeWindow() / block,
            .block = block,
            .modelWindow = modelWindowOf(place)};
}

bool streamingSees(const SparseForm& form, const PrefillPlace& place, std::int64_t i, std::int64_t j) {
    if (form.granularity == Granularity::Token)
        return j < form.sink || (i - j < form.window && inModelWindow(place, i, j));
    constexpr std::int64_t kBlock = SparseForm::kBlock;
    const bool sink = j / kBlock < (form.sink + kBlock - 1) / kBlock;
    const bool local = i / kBlock - j / kBlock < (form.window + kBlock - 1) / kBlock;
    return sink || (local && inModelWindow(place, i, j));
}

}  // namespace fluxscope
