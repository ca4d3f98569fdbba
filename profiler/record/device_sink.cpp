#include "profiler/record/device_sink.h"

namespace fluxscope {

std::string sentenceOf(const Shortfall& shortfall) {
    std::string sentence =
        shortfall.collector + (shortfall.isPartial ? " runs " : " is missing: ") + shortfall.why;
    if (!shortfall.remedy.empty()) sentence += "; " + shortfall.remedy;
    return sentence;
}

Shortfall without(std::string_view part, Shortfall refused) {
    refused.why = "without " + std::string(part) + ": " + refused.why;
    refused.isPartial = true;
    return refused;
}

bool isEmpty(const DeviceBatch& batch) {
    return batch.devices.empty() && batch.collectors.empty() && batch.nodes.empty() &&
           batch.kernels.empty() && batch.traffic.empty() && batch.copies.empty() && batch.fills.empty() &&
           batch.syncs.empty() && batch.calls.empty() && batch.overheads.empty() && batch.samples.empty() &&
           batch.late.empty() && batch.figures.empty();
}

}  // namespace fluxscope
