// Attention that has a gradient: LibTorch's scaled_dot_product_attention over masks, in fp32 or bf16. The engine's own kernels
// have none, and a flash window merged by its log-sum-exps has no gradient through those.
//
// A sparse rule is computed in bands: some hundred queries at a time against the keys that any of them can see, so that
// memory grows with the window and not with the square of the length.
#pragma once

#include "engine/contract/sparse_form.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace fluxscope::train {

// Which key j <= i is seen by query i, counted in blocks: the first `sink` ones and the last `window` up to the query's own;
// those of the window also within the model's own. With blocks of one token this is streaming by tokens.
struct BandRule {
    std::int64_t block = 1;
    std::int64_t sink = 0;
    std::int64_t window = 0;
    std::int64_t modelWindow = 0;

    friend bool operator==(const BandRule&, const BandRule&) = default;
};

// Throws UsageError for a form that has no differentiable rule here: all but streaming.
void requireTrainable(const SparseForm& form, const std::string& where = "--sparse");

BandRule sparseRule(const SparseForm& form, std::optional<std::int64_t> modelWindow);
BandRule fullRule(std::optional<std::int64_t> modelWindow);

// A rule for prompts of one length, its masks made once and used by every layer and step.
class Band {
public:
    Band(const BandRule& rule, std::int64_t tokens, at::Device device);

    // q [batch, heads, tokens, dim]; k, v [batch, kvHeads, tokens, dim]; returns q's shape. Positions are 0 .. tokens-1.
    at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const;

    bool causal() const { return pieces_.empty(); }  // the rule hides nothing at this length

private:
    struct Piece {
        std::int64_t begin;  // queries
        std::int64_t end;
        std::int64_t sink;  // keys 0 .. sink-1, and from .. end-1
        std::int64_t from;
        at::Tensor mask;  // [queries, keys], true: seen
    };

    std::int64_t tokens_;
    std::vector<Piece> pieces_;
};

}  // namespace fluxscope::train
