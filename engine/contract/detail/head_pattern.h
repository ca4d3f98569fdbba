// A head pattern as DuoAttention publishes it: a line a layer, a number ("alpha") a KV head between tabs. A high alpha
// means that the head needs full attention.
#pragma once

#include "engine/contract/policy.h"

#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

// Numbers outside 0..1 are clipped, as training may leave them there. Throws InputError naming `where` and the line.
std::vector<std::vector<double>> parseHeadScores(std::string_view tsv, const std::string& where);

// The published rule: full where alpha >= quantile(all alphas, sparsity), quantiles interpolated linearly. So of N heads
// ceil(sparsity (N - 1)) are sparse, those with the lowest alphas. Where alphas are equal the published code draws lots;
// here the lower layer and head stays full, so that one file always means one pattern.
HeadRows fullHeads(const std::vector<std::vector<double>>& alphas, double sparsity);

}  // namespace fluxscope
