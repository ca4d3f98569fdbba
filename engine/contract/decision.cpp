#include "engine/contract/decision.h"

#include <cmath>
#include <limits>

namespace fluxscope {

std::string_view nameOf(Attention attention) { return attention == Attention::Full ? "full" : "sparse"; }

std::string_view nameOf(DecidedBy by) {
    switch (by) {
        case DecidedBy::Router: return "router";
        case DecidedBy::Policy: return "policy";
        case DecidedBy::Probe: return "probe";
        case DecidedBy::Replay: return "replay";
    }
    return "policy";
}

double fullProbability(const RouterLogits& logits) {
    return 1.0 / (1.0 + std::exp(static_cast<double>(logits.sparse) - static_cast<double>(logits.full)));
}

float logitOf(double probability) {
    if (probability <= 0) return -std::numeric_limits<float>::infinity();
    if (probability >= 1) return std::numeric_limits<float>::infinity();
    return static_cast<float>(std::log(probability) - std::log1p(-probability));
}

float marginOf(const RouterLogits& logits, double threshold) {
    return (logits.full - logits.sparse) - logitOf(threshold);
}

}  // namespace fluxscope
