#include "engine/transformer/rotary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fluxscope {
namespace {

// Llama 3: slow pairs turn `factor` times slower, fast ones as before, those between by a share of both.
at::Tensor llama3(const RopeForm& form, const at::Tensor& frequency) {
    const auto original = static_cast<double>(form.originalContext);
    const double slow = original / form.lowFrequencyFactor;  // wave lengths, in positions
    const double fast = original / form.highFrequencyFactor;
    const at::Tensor wave = frequency.reciprocal() * (2 * std::numbers::pi);
    const at::Tensor share = (wave.reciprocal() * original - form.lowFrequencyFactor) /
                             (form.highFrequencyFactor - form.lowFrequencyFactor);
    const at::Tensor between = (1 - share) * frequency / form.factor + share * frequency;
    return at::where(wave > slow, frequency / form.factor, at::where(wave < fast, frequency, between));
}

// The pair that turns `turns` times within the original context, as a fraction.
double pairTurning(const RopeForm& form, std::int64_t dim, double turns) {
    const auto original = static_cast<double>(form.originalContext);
    return static_cast<double>(dim) * std::log(original / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(form.theta));
}

// YaRN: pairs before `low` turn as before, pairs after `high` `factor` times slower, a ramp between.
at::Tensor yarn(const RopeForm& form, std::int64_t dim, const at::Tensor& power) {
    double low = pairTurning(form, dim, form.betaFast);
    double high = pairTurning(form, dim, form.betaSlow);
    if (form.truncate) {
        low = std::floor(low);
        high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, static_cast<double>(dim - 1));
    if (low == high) high += 0.001;
    const at::Tensor ramp =
        at::clamp((at::arange(dim / 2, power.options()) - low) / (high - low), at::Scalar(0), at::Scalar(1));
    const at::Tensor kept = 1 - ramp;
    return (power * form.factor).reciprocal() * (1 - kept) + power.reciprocal() * kept;
}

}  // namespace

RotaryRows RotaryTable::rows(std::int64_t begin, std::int64_t count) const {
    return {cos.slice(0, begin, begin + count), sin.slice(0, begin, begin + count)};
}

RotaryRows RotaryTable::rows(const at::Tensor& positions) const {
    return {at::index_select(cos, 0, positions), at::index_select(sin, 0, positions)};
}

at::Tensor rotaryFrequencies(const RopeForm& form, std::int64_t dim) {
    const auto options = at::TensorOptions().dtype(at::kFloat);
    const at::Tensor exponent = at::arange(0, dim, 2, options) / static_cast<double>(dim);
    const at::Tensor power = at::pow(form.theta, exponent);  // [dim / 2]
    switch (form.kind) {
        case RopeKind::Default: return power.reciprocal();
        case RopeKind::Linear: return power.reciprocal() / form.factor;
        case RopeKind::Yarn: return yarn(form, dim, power);
        case RopeKind::Llama3: return llama3(form, power.reciprocal());
    }
    return power.reciprocal();
}

RotaryTable rotaryTable(const RopeForm& form, std::int64_t dim, std::int64_t positions, at::Device device) {
    const at::Tensor frequency = rotaryFrequencies(form, dim).to(device);
    const at::Tensor angle = at::outer(at::arange(positions, frequency.options()), frequency)
                                 .unsqueeze(1);  // [positions, 1, dim / 2]
    if (form.attentionFactor == 1) return {at::cos(angle), at::sin(angle)};
    return {at::cos(angle) * form.attentionFactor, at::sin(angle) * form.attentionFactor};
}

at::Tensor turned(const at::Tensor& x, const RotaryRows& rotary) {
    const std::int64_t half = x.size(-1) / 2;
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor a = wide.slice(-1, 0, half);
    const at::Tensor b = wide.slice(-1, half);
    return at::cat({a * rotary.cos - b * rotary.sin, b * rotary.cos + a * rotary.sin}, -1)
        .to(x.scalar_type());
}

}  // namespace fluxscope
