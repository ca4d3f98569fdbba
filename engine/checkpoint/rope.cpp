#include "engine/checkpoint/rope.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace fluxscope {
namespace {

constexpr double kMostFactor = 1e6;
constexpr std::int64_t kLongestContext = 1 << 24;
const char* const kReadable = "use a model whose RoPE is default, linear, yarn or llama3";

// rope_scaling wins where a file has both, as in transformers.
std::optional<JsonFields> parametersOf(const JsonFields& config) {
    for (const char* field : {"rope_scaling", "rope_parameters"})
        if (config.has(field) && !config.object(field).json().empty()) return config.object(field);
    return std::nullopt;
}

RopeKind kindOf(const JsonFields& rope) {
    for (const char* layers : {"full_attention", "sliding_attention"})
        if (rope.has(layers))
            rope.refuse(layers, "gives a kind of layer a rotary embedding of its own, which is not read",
                        kReadable);
    // "type" is the older name.
    const char* const field = rope.has("rope_type") ? "rope_type" : "type";
    if (!rope.has(field) && rope.has("factor"))
        rope.refuse("rope_type", "is missing, and there is a factor",
                    "use the config.json that came with these weights");
    const std::string name = rope.textOr(field, "default");
    if (name == "default") return RopeKind::Default;
    if (name == "linear") return RopeKind::Linear;
    if (name == "yarn") return RopeKind::Yarn;
    if (name == "llama3") return RopeKind::Llama3;
    rope.refuse(field, "is " + printable(name, 40) + ", which is not read", kReadable);
}

void refusePartialRotation(const JsonFields& fields) {
    if (fields.numberOr("partial_rotary_factor", 0, 1, 1) != 1)
        fields.refuse("partial_rotary_factor", "turns only a part of each head, which is not read",
                      kReadable);
}

// The field outside wins, as in transformers; without either the context did not grow.
std::int64_t originalContextOf(const JsonFields& config, const JsonFields& rope, std::int64_t context) {
    const char* const field = "original_max_position_embeddings";
    return (config.has(field) ? config : rope).integerOr(field, 1, kLongestContext, context);
}

// How much longer cos and sin become, by the YaRN paper's fit; mscale bends it, and both together cancel where they are equal.
double attentionFactorOf(const JsonFields& rope, double factor) {
    if (rope.has("attention_factor")) return rope.number("attention_factor", 1e-3, 1e3);
    const double numerator = rope.numberOr("mscale", 0, 1e3, 0);
    const double denominator = rope.numberOr("mscale_all_dim", 0, 1e3, 0);
    const auto stretch = [factor](double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1;
    };
    return numerator != 0 && denominator != 0 ? stretch(numerator) / stretch(denominator) : stretch(1);
}

void readYarn(RopeForm& form, const JsonFields& config, const JsonFields& rope, std::int64_t context) {
    form.originalContext = originalContextOf(config, rope, context);
    const double grown = static_cast<double>(context) / static_cast<double>(form.originalContext);
    form.factor = rope.numberOr("factor", 1, kMostFactor, std::max(grown, 1.0));
    // A zero means the default, as in transformers.
    const auto beta = [&rope](const char* field, double otherwise) {
        const double value = rope.numberOr(field, 0, kMostFactor, otherwise);
        return value == 0 ? otherwise : value;
    };
    form.betaFast = beta("beta_fast", 32);
    form.betaSlow = beta("beta_slow", 1);
    if (form.betaFast < form.betaSlow)
        rope.refuse("beta_fast", "is less than beta_slow",
                    "use the config.json that came with these weights");
    form.truncate = rope.flagOr("truncate", true);
    form.attentionFactor = attentionFactorOf(rope, form.factor);
}

void readLlama3(RopeForm& form, const JsonFields& config, const JsonFields& rope, std::int64_t context) {
    form.originalContext = originalContextOf(config, rope, context);
    form.factor = rope.number("factor", 1, kMostFactor);
    form.lowFrequencyFactor = rope.number("low_freq_factor", 1e-6, kMostFactor);
    form.highFrequencyFactor = rope.number("high_freq_factor", 1e-6, kMostFactor);
    if (form.highFrequencyFactor <= form.lowFrequencyFactor)
        rope.refuse("high_freq_factor", "is not greater than low_freq_factor",
                    "use the config.json that came with these weights");
}

}  // namespace

std::int64_t RopeForm::reach(std::int64_t context) const {
    const auto grown = [this](std::int64_t from) {
        return static_cast<std::int64_t>(
            std::min(static_cast<double>(from) * factor, static_cast<double>(kLongestContext)));
    };
    switch (kind) {
        case RopeKind::Linear: return grown(context);
        case RopeKind::Yarn: return std::max(context, grown(originalContext));
        // llama3's max_position_embeddings already is the longer context.
        case RopeKind::Llama3:
        case RopeKind::Default: return context;
    }
    return context;
}

RopeForm readRope(const JsonFields& config, std::int64_t context) {
    refusePartialRotation(config);
    RopeForm form;
    const std::optional<JsonFields> rope = parametersOf(config);
    const bool own = rope && rope->has("rope_theta");
    form.theta = (own ? *rope : config).numberOr("rope_theta", 2, 1e12, 10000);
    if (!rope) return form;
    refusePartialRotation(*rope);
    form.kind = kindOf(*rope);
    switch (form.kind) {
        case RopeKind::Default: break;
        case RopeKind::Linear: form.factor = rope->number("factor", 1, kMostFactor); break;
        case RopeKind::Yarn: readYarn(form, config, *rope, context); break;
        case RopeKind::Llama3: readLlama3(form, config, *rope, context); break;
    }
    return form;
}

}  // namespace fluxscope
