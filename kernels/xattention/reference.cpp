#include "kernels/xattention/xattention.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace fluxscope {

void keepBlocks(std::span<const double> weights, double threshold, std::uint8_t* keep) {
    const std::size_t own = weights.size() - 1;
    std::vector<std::size_t> others;
    for (std::size_t b = 0; b < weights.size(); ++b) {
        keep[b] = b == 0 || b == own ? 1 : 0;
        if (keep[b] == 0 && weights[b] > 0) others.push_back(b);
    }
    std::stable_sort(others.begin(), others.end(),
                     [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
    const double wanted = threshold * std::accumulate(weights.begin(), weights.end(), 0.0);
    double kept = weights[0] + (own > 0 ? weights[own] : 0.0);
    for (const std::size_t b : others) {
        if (kept >= wanted) break;
        keep[b] = 1;
        kept += weights[b];
    }
}

void selectBlocksReference(const BlockEstimateShape& s, double threshold, const float* q,
                           const KeysValues& kv, std::uint8_t* keep, double* weights) {
    const std::int64_t keyBlocks = keyBlocksOf(s);
    const std::int64_t groupsOfBlock = kSelectBlock / s.stride;
    const auto score = [&](std::int64_t head, std::int64_t a, std::int64_t b) {
        const float* k = static_cast<const float*>(kv.k) + head / (s.heads / s.kvHeads) * kv.headStride;
        double sum = 0;
        for (std::int64_t i = 0; i < s.stride; ++i) {
            const std::int64_t query = a * s.stride + s.stride - 1 - i;
            const std::int64_t key = b * s.stride + i;
            if (query >= s.end || key >= s.end) continue;  // zeros
            for (std::int64_t d = 0; d < s.dim; ++d)
                sum += static_cast<double>(q[((query - s.begin) * s.heads + head) * s.dim + d]) *
                       k[key * kv.rowStride + d];
        }
        return sum / (std::sqrt(static_cast<double>(s.dim)) * static_cast<double>(s.stride));
    };
    for (std::int64_t head = 0; head < s.heads; ++head) {
        for (std::int64_t block = s.begin / kSelectBlock; block < keyBlocks; ++block) {
            std::vector<double> weight(static_cast<std::size_t>(block + 1));
            for (std::int64_t a = block * groupsOfBlock;
                 a < (block + 1) * groupsOfBlock && a * s.stride < s.end; ++a) {
                std::vector<double> power;
                for (std::int64_t b = 0; b <= a; ++b) power.push_back(score(head, a, b));
                const double largest = *std::max_element(power.begin(), power.end());
                double sum = 0;
                for (double& p : power) sum += p = std::exp(p - largest);
                for (std::int64_t b = 0; b <= a; ++b) weight[b / groupsOfBlock] += power[b] / sum;
            }
            const std::int64_t row = (head * queryBlocksOf(s) + block - s.begin / kSelectBlock) * keyBlocks;
            std::fill_n(keep + row, keyBlocks, std::uint8_t{0});
            keepBlocks(weight, threshold, keep + row);
            if (!weights) continue;
            std::fill_n(weights + row, keyBlocks, 0.0);
            std::copy(weight.begin(), weight.end(), weights + row);
        }
    }
}

std::array<TileMask, kTileRows / kTileKeys> causalBlockMasks() {
    std::array<TileMask, kTileRows / kTileKeys> masks{};
    for (std::int64_t t = 0; t < kTileRows / kTileKeys; ++t)
        for (std::int64_t r = 0; r < kTileRows; ++r)
            for (std::int64_t b = 0; b < kTileKeys && t * kTileKeys + b <= r; ++b)
                masks[static_cast<std::size_t>(t)][static_cast<std::size_t>(r)] |= std::uint64_t{1} << b;
    return masks;
}

}  // namespace fluxscope
