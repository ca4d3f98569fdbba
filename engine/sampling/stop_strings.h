// Ends an answer where one of some texts begins, also across the borders of tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

class StopStrings {
public:
    // None of them is empty.
    explicit StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {}

    // Takes what a token adds and returns what can be said of all of it by now: nothing that is, or may yet become, the
    // beginning of a stop string.
    std::string append(std::string_view text);
    bool matched() const { return matched_; }
    std::string finish();  // what was held back for nothing, when no more text comes

private:
    std::string release(std::size_t bytes);
    std::size_t suspicious() const;

    std::vector<std::string> stops_;
    std::string held_;
    bool matched_ = false;
};

}  // namespace fluxscope
