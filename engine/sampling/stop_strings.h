// Ends an answer where one of some texts begins, also across the borders of tokens.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace fluxscope {

class StopStrings {
public:
    explicit StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {}

    // Returns what can be said of it already: nothing that is, or may become, the beginning of a stop string.
    std::string append(const std::string& text) {
        if (matched_) return {};
        held_ += text;
        std::size_t first = std::string::npos;
        for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
        matched_ = first != std::string::npos;
        return release(matched_ ? first : held_.size() - suspicious());
    }
    bool matched() const { return matched_; }
    std::string finish() { return matched_ ? std::string() : release(held_.size()); }

private:
    std::string release(std::size_t bytes) {
        std::string said = held_.substr(0, bytes);
        held_.erase(0, bytes);
        return said;
    }
    // The longest end of what is held that a stop string begins with.
    std::size_t suspicious() const {
        std::size_t longest = 0;
        for (const std::string& stop : stops_)
            for (std::size_t n = std::min(stop.size(), held_.size()); n > longest; --n)
                if (held_.ends_with(stop.substr(0, n))) longest = n;
        return longest;
    }

    std::vector<std::string> stops_;
    std::string held_;
    bool matched_ = false;
};

}  // namespace fluxscope
