// What a tool tip says, independent of who shows it.
#pragma once

#include <string>
#include <vector>

namespace fluxscope {

struct TooltipLine {
    std::string label;
    std::string value;
    std::string origin;  // where the number comes from; empty where that needs no saying

    friend bool operator==(const TooltipLine&, const TooltipLine&) = default;
};

struct Tooltip {
    std::string title;
    std::vector<TooltipLine> lines;
};

// "layer 3 · needle-1\nprefill 1.23 ms (measured, host timer)": for tests, terminals and screen readers.
std::string toText(const Tooltip& tooltip);

}  // namespace fluxscope
