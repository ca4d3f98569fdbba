// Where something lies in a text: bytes begin .. end, end not included. Empty for what stands for no text.
#pragma once

#include <cstdint>

namespace fluxscope {

struct ByteRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;

    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

}  // namespace fluxscope
