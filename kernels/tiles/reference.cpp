#include "kernels/tiles/tiles.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

// The stored keys that the query at `position` sees.
std::vector<std::int64_t> seenKeys(const TilesShape& s, const TileListView& list, std::int64_t headsList,
                                   std::int64_t position) {
    const TileRun& run = list.runs[headsList * s.queryTiles() + position / kTileRows - s.firstTile()];
    std::vector<std::int64_t> keys;
    for (std::int64_t t = run.first; t < run.first + run.count; ++t) {
        const KeyTile& tile = list.tiles[t];
        for (std::int64_t b = 0; b < kTileKeys; ++b) {
            const std::int64_t key = tile.key * kTileKeys + b;
            const bool seen =
                tile.mask == KeyTile::kWhole || (list.masks[tile.mask][position % kTileRows] >> b & 1U) != 0;
            if (seen && key < s.keys) keys.push_back(key);
        }
    }
    return keys;
}

}  // namespace

void tilesReference(const TilesShape& s, const TileListView& list, const float* q, const KeysValues& kv,
                    float* out) {
    const double scale = 1.0 / std::sqrt(static_cast<double>(s.dim));
    for (std::int64_t r = 0; r < s.rows(); ++r) {
        for (std::int64_t h = 0; h < s.heads; ++h) {
            const std::int64_t head = h / (s.heads / s.kvHeads) * kv.headStride;
            const float* query = q + (r * s.heads + h) * s.dim;
            const float* k = static_cast<const float*>(kv.k) + head;
            const float* v = static_cast<const float*>(kv.v) + head;
            const std::vector<std::int64_t> keys = seenKeys(s, list, list.lists == 1 ? 0 : h, s.begin + r);

            std::vector<double> score;
            for (const std::int64_t j : keys) {
                double dot = 0;
                for (std::int64_t d = 0; d < s.dim; ++d)
                    dot += static_cast<double>(query[d]) * k[j * kv.rowStride + d];
                score.push_back(dot * scale);
            }
            const double largest = *std::max_element(score.begin(), score.end());
            double sum = 0;
            std::vector<double> mixed(static_cast<std::size_t>(s.dim));
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const double weight = std::exp(score[i] - largest);
                sum += weight;
                for (std::int64_t d = 0; d < s.dim; ++d) mixed[d] += weight * v[keys[i] * kv.rowStride + d];
            }
            for (std::int64_t d = 0; d < s.dim; ++d)
                out[(r * s.heads + h) * s.dim + d] = static_cast<float>(mixed[d] / sum);
        }
    }
}

}  // namespace fluxscope
