// The modes whose pattern follows from positions alone, each in a file of its own: the rule in words of kernels/tiles, and
// beside it the reference that defines it, key by key.
#pragma once

#include "engine/attention/attention.h"
#include "kernels/tiles/rule.h"

namespace fluxscope {

TileRule streamingRule(const SparseForm& form, const PrefillPlace& place);
TileRule triangleRule(const SparseForm& form, const PrefillPlace& place);
TileRule longformerRule(const SparseForm& form, const PrefillPlace& place);
TileRule bigBirdRule(const SparseForm& form, const PrefillPlace& place);

// Whether query i sees key j <= i. Slow, for tests.
bool streamingSees(const SparseForm& form, const PrefillPlace& place, std::int64_t i, std::int64_t j);
bool triangleSees(const SparseForm& form, const PrefillPlace& place, std::int64_t i, std::int64_t j);
bool longformerSees(const SparseForm& form, const PrefillPlace& place, std::int64_t i, std::int64_t j);
bool bigBirdSees(const SparseForm& form, const PrefillPlace& place, std::int64_t i, std::int64_t j);

inline bool inModelWindow(const PrefillPlace& place, std::int64_t i, std::int64_t j) {
    return !place.modelWindow || i - j < *place.modelWindow;
}
inline std::int64_t modelWindowOf(const PrefillPlace& place) {
    return place.modelWindow.value_or(TileRule::kNever);
}

}  // namespace fluxscope
