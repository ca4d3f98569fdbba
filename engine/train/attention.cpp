#include "engine/train/attention.h"

#include "engine/contract/error.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/floor_divide.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <algorithm>
#include <limits>

namespace fluxscope::train {
namespace {

constexpr std::int64_t kQueries = 512;  // of a band
constexpr std::int64_t kEverything = std::numeric_limits<std::int64_t>::max() / 4;

std::int64_t blocksOf(std::int64_t tokens, std::int64_t block) { return (tokens + block - 1) / block; }

// The first key outside the sink that a query sees.
std::int64_t windowBegin(const BandRule& rule, std::int64_t query) {
    const std::int64_t first =
        rule.window > kEverything / rule.block ? 0 : (query / rule.block - rule.window + 1) * rule.block;
    return std::max({std::int64_t{0}, first, query - rule.modelWindow + 1});
}

bool hidesNothing(const BandRule& rule, std::int64_t tokens) {
    return windowBegin(rule, tokens - 1) <=
           (rule.sink > kEverything / rule.block ? tokens : rule.sink * rule.block);
}

at::Tensor maskOf(const BandRule& rule, const at::Tensor& queries, const at::Tensor& keys) {
    const at::Tensor i = queries.unsqueeze(1);
    const at::Tensor j = keys.unsqueeze(0);
    const at::Tensor iBlock = at::floor_divide(i, rule.block);
    const at::Tensor jBlock = at::floor_divide(j, rule.block);
    return (j <= i) & ((jBlock < rule.sink) | ((iBlock - jBlock < rule.window) & (i - j < rule.modelWindow)));
}

// Each KV head once for every query head that reads it: every kernel of every device takes that.
at::Tensor forHeads(const at::Tensor& kv, std::int64_t heads) {
    const std::int64_t kvHeads = kv.size(1);
    if (kvHeads == heads) return kv;
    return kv.unsqueeze(2)
        .expand({kv.size(0), kvHeads, heads / kvHeads, kv.size(2), kv.size(3)})
        .reshape({kv.size(0), heads, kv.size(2), kv.size(3)});
}

}  // namespace

void requireTrainable(const SparseForm& form, const std::string& where) {
    requireValid(form, where);
    if (form.prefill != PrefillMode::Streaming)
        throw UsageError(where, "",
                         "is " + std::string(nameOf(form.prefill)) +
                             ", and routers are trained against streaming attention only",
                         "write it as " + shortForm(SparseForm{}));
}

BandRule sparseRule(const SparseForm& form, std::optional<std::int64_t> modelWindow) {
    const std::int64_t block = form.granularity == Granularity::Block ? SparseForm::kBlock : 1;
    return {.block = block,
            .sink = blocksOf(form.sink, block),
            .window = blocksOf(form.window, block),
            .modelWindow = modelWindow.value_or(kEverything)};
}

BandRule fullRule(std::optional<std::int64_t> modelWindow) {
    return {.block = 1, .sink = 0, .window = kEverything, .modelWindow = modelWindow.value_or(kEverything)};
}

Band::Band(const BandRule& rule, std::int64_t tokens, at::Device device) : tokens_(tokens) {
    if (hidesNothing(rule, tokens)) return;
    const at::Tensor positions = at::arange(tokens, at::TensorOptions().dtype(at::kLong).device(device));
    for (std::int64_t begin = 0; begin < tokens; begin += kQueries) {
        Piece piece{.begin = begin,
                    .end = std::min(tokens, begin + kQueries),
                    .sink = rule.sink * rule.block,
                    .from = windowBegin(rule, begin),
                    .mask = {}};
        if (piece.from <= piece.sink) piece.sink = piece.from = 0;  // one stretch
        const at::Tensor keys =
            at::cat({positions.slice(0, 0, piece.sink), positions.slice(0, piece.from, piece.end)});
        piece.mask = maskOf(rule, positions.slice(0, piece.begin, piece.end), keys);
        pieces_.push_back(std::move(piece));
    }
}

at::Tensor Band::attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const {
    const std::int64_t heads = q.size(1);
    const at::Tensor keys = forHeads(k, heads);
    const at::Tensor values = forHeads(v, heads);
    if (causal()) return at::scaled_dot_product_attention(q, keys, values, {}, 0.0, /*is_causal=*/true);

    std::vector<at::Tensor> rows;
    rows.reserve(pieces_.size());
    for (const Piece& piece : pieces_) {
        const auto seen = [&](const at::Tensor& all) {
            const at::Tensor local = all.slice(2, piece.from, piece.end);
            return piece.sink == 0 ? local : at::cat({all.slice(2, 0, piece.sink), local}, 2);
        };
        rows.push_back(at::scaled_dot_product_attention(q.slice(2, piece.begin, piece.end), seen(keys),
                                                        seen(values), piece.mask));
    }
    return rows.size() == 1 ? rows.front() : at::cat(rows, 2);
}

}  // namespace fluxscope::train
