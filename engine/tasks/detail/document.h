// Facts planted in filler, each at its depth.
#pragma once

#include "engine/contract/byte_range.h"
#include "engine/tasks/detail/filler.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::tasks {

struct Planted {
    std::string text;  // a sentence; or lines, when it ends with a line's end
    double depth = 0;  // 0 before all filler, 1 behind it
};

struct PlantedDocument {
    std::string text;               // ends with a line's end
    std::vector<ByteRange> places;  // of the planted texts, in the order in which they were given
};

// About `bytes` bytes in all, head included; never less than what is planted. Equal depths keep their order.
PlantedDocument plant(std::string_view head, const std::vector<Planted>& facts, std::int64_t bytes,
                      Filler& filler, std::uint64_t seed);

}  // namespace fluxscope::tasks
