// Random queries, keys and values, and attention written down another way: one dense matrix of scores, masked by a predicate.
#pragma once

#include "kernels/cost/attention.h"
#include "kernels/keys_values.h"
#include "tests/fixture/random.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope {

struct AttentionWorld {
    cost::AttentionShape shape;
    std::vector<float> q;  // [rows, heads, dim]
    std::vector<float> k;  // [kvHeads, keys, dim]
    std::vector<float> v;

    explicit AttentionWorld(const cost::AttentionShape& s, std::uint64_t seed = 7) : shape(s) {
        FixtureRandom random(seed);
        const auto fill = [&random](std::vector<float>& values, std::int64_t count) {
            values.resize(static_cast<std::size_t>(count));
            for (float& value : values) value = random.normal();
        };
        fill(q, s.rows * s.heads * s.dim);
        fill(k, s.kvHeads * s.keys * s.dim);
        fill(v, s.kvHeads * s.keys * s.dim);
    }

    KeysValues keysValues() const { return {k.data(), v.data(), shape.keys * shape.dim, shape.dim}; }

    // softmax over all keys with -infinity where `sees(position, key)` is false: no runs, no online sums.
    std::vector<float> masked(const std::function<bool(std::int64_t, std::int64_t)>& sees) const {
        const cost::AttentionShape& s = shape;
        std::vector<float> out;
        for (std::int64_t r = 0; r < s.rows; ++r) {
            for (std::int64_t h = 0; h < s.heads; ++h) {
                const std::int64_t kvHead = h * s.kvHeads / s.heads;
                std::vector<double> probability(static_cast<std::size_t>(s.keys));
                double sum = 0;
                for (std::int64_t j = 0; j < s.keys; ++j) {
                    double dot = 0;
                    for (std::int64_t d = 0; d < s.dim; ++d)
                        dot += static_cast<double>(q[(r * s.heads + h) * s.dim + d]) *
                               k[(kvHead * s.keys + j) * s.dim + d];
                    probability[j] = sees(s.keys - s.rows + r, j)
                                         ? std::exp(dot / std::sqrt(static_cast<double>(s.dim)))
                                         : 0;
                    sum += probability[j];
                }
                for (std::int64_t d = 0; d < s.dim; ++d) {
                    double mixed = 0;
                    for (std::int64_t j = 0; j < s.keys; ++j)
                        mixed += probability[j] * v[(kvHead * s.keys + j) * s.dim + d];
                    out.push_back(static_cast<float>(mixed / sum));
                }
            }
        }
        return out;
    }
};

inline float largestDifference(const std::vector<float>& a, const std::vector<float>& b) {
    float largest = a.size() == b.size() ? 0.0F : INFINITY;
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
        const float difference = std::abs(a[i] - b[i]);
        if (!(difference <= largest)) largest = difference;  // a NaN counts
    }
    return largest;
}

// Rows, keys, heads, kvHeads, dim, sink, window: one row, grouped heads, sinks beyond the keys, odd dimensions.
inline std::vector<cost::AttentionShape> edgeShapes() {
    std::vector<cost::AttentionShape> shapes;
    for (const auto& [rows, keys] :
         std::vector<std::pair<int, int>>{{1, 1}, {1, 40}, {40, 40}, {7, 33}, {64, 130}})
        for (const auto& [heads, kvHeads] : std::vector<std::pair<int, int>>{{1, 1}, {4, 2}, {6, 1}})
            for (const int dim : {2, 20, 32, 64, 128, 256})
                for (const auto& [sink, window] :
                     std::vector<std::pair<int, int>>{{0, 1}, {4, 8}, {200, 3}, {16, 500}})
                    shapes.push_back({rows, keys, heads, kvHeads, dim, sink, window, cost::DType::F32});
    return shapes;
}

inline std::string nameOf(const cost::AttentionShape& s) {
    return "rows " + std::to_string(s.rows) + " keys " + std::to_string(s.keys) + " heads " +
           std::to_string(s.heads) + "/" + std::to_string(s.kvHeads) + " dim " + std::to_string(s.dim) +
           " sink " + std::to_string(s.sink) + " window " + std::to_string(s.window);
}

}  // namespace fluxscope
