#include "engine/attention/detail/flash.h"

#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sub.h>

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace fluxscope {
namespace {

// A softmax over some of the keys, and the logarithm of its denominator: what two of them need to become one.
struct Attended {
    at::Tensor out;  // [rows, heads, dim]
    at::Tensor lse;  // [heads, rows], fp32, natural
};

// Keys first .. first + count - 1 of what is stored, [1, count, kvHeads, dim].
at::Tensor rowsOf(const void* data, const KeysValues& kv, std::int64_t first, std::int64_t count,
                  std::int64_t kvHeads, const at::Tensor& q) {
    const auto* at = static_cast<const std::byte*>(data) + first * kv.rowStride * q.element_size();
    return at::from_blob(const_cast<std::byte*>(at), {1, count, kvHeads, q.size(2)},
                         {kvHeads * kv.headStride, kv.rowStride, kv.headStride, 1}, q.options());
}

enum class Sight { Everything, UpToItself };

// Rows of q are aligned with the last of the keys; `window` of them are seen, or all.
Attended attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, Sight sight,
                std::optional<std::int64_t> window = std::nullopt) {
    std::optional<std::int64_t> left;
    std::optional<std::int64_t> right;
    if (window) {
        left = *window - 1;
        right = 0;
    }
    const auto results = at::_flash_attention_forward(
        q.unsqueeze(0), k, v, std::nullopt, std::nullopt, q.size(0), k.size(1), /*dropout_p=*/0.0,
        /*is_causal=*/sight == Sight::UpToItself, /*return_debug_mask=*/false, /*scale=*/std::nullopt, left,
        right);
    return {std::get<0>(results).squeeze(0), std::get<1>(results).squeeze(0)};
}

at::Tensor merged(const Attended& a, const Attended& b) {
    const at::Tensor share =
        at::sigmoid(at::sub(a.lse, b.lse)).transpose(0, 1).unsqueeze(2);  // of a; [rows, heads, 1]
    return at::lerp(b.out.to(at::kFloat), a.out.to(at::kFloat), share);
}

}  // namespace

bool flashTakes(const Compute& compute, std::int64_t dim) {
    return compute.isCuda() && compute.costType != cost::DType::F32 && dim % 8 == 0 && dim <= 256;
}

// The window first. A query at position p >= window has left behind the sink keys j <= p - window, and those alone are still to
// be added: a sink key inside the window must not count twice. From p = window + sink - 1 on they are the whole sink; the few
// queries before that see a growing part of it, which is a causal rule between queries and sink keys.
at::Tensor attendFlash(const Band& band, const PrefillPlace& place, const at::Tensor& q,
                       const KeysValues& kv) {
    const auto keys = [&](std::int64_t count) {
        return std::pair{rowsOf(kv.k, kv, 0, count, place.kvHeads, q),
                         rowsOf(kv.v, kv, 0, count, place.kvHeads, q)};
    };
    const auto [k, v] = keys(place.keys);
    const bool dense = band.window >= place.end;
    Attended all =
        attend(q, k, v, Sight::UpToItself, dense ? std::nullopt : std::optional<std::int64_t>(band.window));
    if (dense || band.sink == 0) return all.out;

    const auto addSink = [&](std::int64_t first, std::int64_t end, std::int64_t sinkKeys, Sight sight) {
        if (first >= end) return;
        const std::int64_t row = first - place.begin;
        const std::int64_t endRow = end - place.begin;
        const auto [sinkK, sinkV] = keys(sinkKeys);
        const Attended sink = attend(q.slice(0, row, endRow), sinkK, sinkV, sight);
        const at::Tensor out = all.out.slice(0, row, endRow);
        out.copy_(merged({out, all.lse.slice(1, row, endRow)}, sink));
    };
    const std::int64_t wholeFrom = band.window + band.sink - 1;
    const std::int64_t growingEnd = std::min(place.end, wholeFrom);
    assert(place.keys == place.end ||
           place.begin >= wholeFrom);  // on a scratch the sink lies behind every window
    addSink(std::max(place.begin, band.window), growingEnd, growingEnd - band.window, Sight::UpToItself);
    addSink(std::max(place.begin, wholeFrom), place.end, band.sink, Sight::Everything);
    return all.out;
}

}  // namespace fluxscope
