#include "app/cli/decisions.h"

#include <algorithm>

namespace fluxscope::cli {
namespace {

bool isFull(const Decision& decision) { return decision.attention == Attention::Full; }

}  // namespace

LayerDecisions decisionsOf(const std::vector<LayerRouting>& layers) {
    LayerDecisions decisions;
    for (const LayerRouting& layer : layers) decisions.push_back(layer.decisions);
    return decisions;
}

std::vector<std::int32_t> layerDigits(const LayerDecisions& decisions) {
    std::vector<std::int32_t> digits;
    for (const std::vector<Decision>& layer : decisions)
        digits.push_back(std::all_of(layer.begin(), layer.end(), isFull) ? 1 : 0);
    return digits;
}

std::vector<std::int32_t> headDigits(const LayerDecisions& decisions, std::int32_t kvHeads) {
    std::vector<std::int32_t> digits;
    for (const std::vector<Decision>& layer : decisions)
        for (std::int32_t head = 0; head < kvHeads; ++head) {
            const Decision& own =
                layer.size() == 1 ? layer.front() : layer.at(static_cast<std::size_t>(head));
            digits.push_back(isFull(own) ? 1 : 0);
        }
    return digits;
}

std::string layerLetters(const LayerDecisions& decisions) {
    std::string letters;
    for (const std::vector<Decision>& layer : decisions) {
        const auto full = std::count_if(layer.begin(), layer.end(), isFull);
        letters += full == 0 ? 's' : full == std::ssize(layer) ? 'F' : '~';
    }
    return letters;
}

}  // namespace fluxscope::cli
