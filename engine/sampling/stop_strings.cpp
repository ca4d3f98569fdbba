#include "engine/sampling/stop_strings.h"

#include <algorithm>

namespace fluxscope {

std::string StopStrings::append(std::string_view text) {
    if (matched_) return {};
    held_ += text;
    std::size_t first = std::string::npos;
    for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
    matched_ = first != std::string::npos;
    return release(matched_ ? first : held_.size() - suspicious());
}

std::string StopStrings::finish() { return matched_ ? std::string() : release(held_.size()); }

std::string StopStrings::release(std::size_t bytes) {
    std::string said = held_.substr(0, bytes);
    held_.erase(0, bytes);
    return said;
}

// How long the longest end of what is held is that a stop string begins with.
std::size_t StopStrings::suspicious() const {
    std::size_t longest = 0;
    for (const std::string& stop : stops_)
        for (std::size_t n = std::min(stop.size() - 1, held_.size()); n > longest; --n)
            if (std::string_view(held_).ends_with(std::string_view(stop).substr(0, n))) longest = n;
    return longest;
}

}  // namespace fluxscope
