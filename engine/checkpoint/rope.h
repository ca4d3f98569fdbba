// The rotary embedding that config.json asks for: how fast each pair of a head's numbers turns. Read from rope_scaling and
// rope_theta (transformers 4) or from rope_parameters (transformers 5); engine/transformer/rotary.h computes with it.
#pragma once

#include <cstdint>

namespace fluxscope {

class JsonFields;

enum class RopeKind : std::uint8_t { Default, Linear, Yarn, Llama3 };

struct RopeForm {
    RopeKind kind = RopeKind::Default;
    double theta = 10000;
    double factor = 1;                 // by which the context grew
    std::int64_t originalContext = 0;  // before it grew; yarn and llama3
    double lowFrequencyFactor =
        1;  // llama3: below it a pair turns `factor` times slower, above the other as before
    double highFrequencyFactor = 4;
    double betaFast = 32;  // yarn: turns within the original context from where a pair stays as it was ...
    double betaSlow = 1;   // ... and below which it turns `factor` times slower
    bool truncate = true;  // yarn: both limits are rounded outwards to whole pairs
    double attentionFactor = 1;  // yarn: cos and sin are this much longer

    // Positions that the form was made for, where the model itself was made for `context`.
    std::int64_t reach(std::int64_t context) const;
};

// `context` is max_position_embeddings.
RopeForm readRope(const JsonFields& config, std::int64_t context);

}  // namespace fluxscope
