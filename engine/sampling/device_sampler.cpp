#include "engine/sampling/device_sampler.h"

#include "kernels/sampling/sampling.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cassert>
#include <tuple>

namespace fluxscope {
namespace {

static_assert(kTopChances == static_cast<std::size_t>(kTopTokens));

// Up to 2^18 tokens of weight 1 fit into 63 bits; less than 2^-45 of the most probable token is never drawn.
constexpr double kWhole = 0x1p44;

// Scores less the largest of their row, as the host takes the difference: in single precision, and its exponential in double.
at::Tensor relative(const at::Tensor& scores, const at::Tensor& most) {
    return scores.sub(most).to(at::kDouble).exp();
}
at::Tensor weightOf(const at::Tensor& relative, const at::Tensor& kept) {
    const at::Tensor weight = relative.mul(kWhole).round().to(at::kLong);
    return weight.mul(kept);
}

// The first place of each row whose running sum passes the drawn part of the row's whole, int64 [rows, 1].
at::Tensor placeOf(const at::Tensor& weight, const at::Tensor& drawn) {
    const at::Tensor running = weight.cumsum(1);
    const at::Tensor whole = running.slice(1, running.size(1) - 1);  // [rows, 1]
    const at::Tensor target = whole.to(at::kDouble).mul(drawn.unsqueeze(1)).floor().to(at::kLong);
    const at::Tensor passed = running.le(target.minimum(whole.sub(1)));
    return passed.sum(1, true).clamp(0, weight.size(1) - 1);  // a row of NaN may point anywhere
}

}  // namespace

DeviceSampler::DeviceSampler(const Compute& compute, const SamplingOptions& options, std::int64_t vocabulary,
                             bool forced)
    : compute_(compute),
      options_(options),
      vocabulary_(vocabulary),
      forced_(forced),
      temperature_(at::scalar_tensor(options.temperature, compute.options().dtype(at::kFloat))),
      penalty_(at::scalar_tensor(options.repetitionPenalty, compute.options().dtype(at::kFloat))) {}

bool DeviceSampler::looksAtTexts() const { return !forced_ && options_.repetitionPenalty != 1; }

void DeviceSampler::begin(std::int64_t rows, std::span<const std::span<const TokenId>> texts) {
    assert(static_cast<std::int64_t>(texts.size()) <= rows);
    if (!given_.defined() || given_.size(0) != rows) {
        drawn_ = at::zeros({rows}, compute_.options().dtype(at::kDouble));
        given_ = at::zeros({rows}, compute_.options().dtype(at::kLong));
        choices_ = at::zeros({rows, static_cast<std::int64_t>(sizeof(RowChoice))},
                             compute_.options().dtype(at::kByte));
        if (looksAtTexts()) seen_ = at::zeros({rows, vocabulary_}, compute_.options().dtype(at::kBool));
    }
    if (!seen_.defined()) return;
    seen_.zero_();
    for (std::size_t r = 0; r < texts.size(); ++r) {
        std::vector<std::int64_t> ids;
        for (const TokenId id : texts[r])
            if (id.value() >= 0 && id.value() < vocabulary_) ids.push_back(id.value());
        seen_.select(0, static_cast<std::int64_t>(r))
            .index_fill_(0, at::tensor(ids, at::kLong).to(compute_.device), true);
    }
}

void DeviceSampler::choose(const at::Tensor& logits, const at::Tensor& ids) {
    const bool mostProbable = options_.greedy() && options_.repetitionPenalty == 1;  // describe() finds it
    if (forced_ || mostProbable)
        describe(logits, given_, ids);
    else
        describe(logits, at::where(given_.lt(0), preferred(logits), given_), ids);
    if (seen_.defined()) seen_.scatter_(1, ids.unsqueeze(1), true);
}

at::Tensor DeviceSampler::penalized(const at::Tensor& logits) const {
    if (!seen_.defined()) return logits;
    const at::Tensor worse = at::where(logits.lt(0), logits.mul(penalty_), logits.div(penalty_));
    return at::where(seen_, worse, logits);
}

at::Tensor DeviceSampler::preferred(const at::Tensor& logits) const {
    const at::Tensor scores = penalized(logits);
    if (options_.greedy()) return scores.argmax(1);  // of equals the first
    return drawnFrom(scores.div(temperature_));
}

// As Sampler::candidates keeps and orders them: by id, or where top-p has sorted them the most probable first.
at::Tensor DeviceSampler::drawnFrom(const at::Tensor& scores) const {
    at::Tensor ordered = scores;
    at::Tensor order;
    if (options_.topP < 1)
        std::tie(ordered, order) = scores.sort(true, 1, true);  // stable: of equals the first

    const at::Tensor most = scores.amax(1, true);  // [rows, 1]
    const at::Tensor chance = relative(ordered, most);
    at::Tensor kept = ordered.le(most);
    if (options_.topK > 0 && options_.topK < vocabulary_) {
        const at::Tensor best = std::get<0>(at::topk(scores, options_.topK, 1));
        kept = ordered.ge(best.slice(1, options_.topK - 1));  // of equals all
    }
    if (options_.topP < 1) {
        const at::Tensor weight = weightOf(chance, kept);
        const at::Tensor running = weight.cumsum(1);
        const at::Tensor wanted = running.slice(1, running.size(1) - 1).to(at::kDouble).mul(options_.topP);
        kept = kept.logical_and(running.sub(weight).to(at::kDouble).lt(wanted));
    }
    if (options_.minP > 0) kept = kept.logical_and(chance.ge(options_.minP).logical_or(ordered.eq(most)));

    const at::Tensor place = placeOf(weightOf(chance, kept), drawn_);
    return (order.defined() ? order.gather(1, place) : place).squeeze(1);
}

void DeviceSampler::describe(const at::Tensor& logits, const at::Tensor& given, const at::Tensor& ids) const {
    const DescribeShape shape{.rows = logits.size(0), .vocabulary = vocabulary_};
    const at::Tensor rows = logits.contiguous();
    auto* choices = static_cast<RowChoice*>(choices_.mutable_data_ptr());
    auto* chosen = ids.mutable_data_ptr<std::int64_t>();
#ifdef FLUXSCOPE_CUDA
    if (compute_.isCuda()) {
        const at::Tensor scratch =
            at::empty({describeScratchBytes(shape)}, compute_.options().dtype(at::kByte));
        describeCuda(shape, rows.const_data_ptr<float>(), given.const_data_ptr<std::int64_t>(), chosen,
                     choices, scratch.mutable_data_ptr(), compute_.stream());
        return;
    }
#endif
    describeReference(shape, rows.const_data_ptr<float>(), given.const_data_ptr<std::int64_t>(), chosen,
                      choices);
}

}  // namespace fluxscope
