#include "profiler/report/detail/markdown_parts.h"

#include "profiler/figure/utf8.h"

namespace fluxscope::markdown {

std::string cleaned(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const CodePoint point = firstCodePoint(text);
        const bool control = point.value < 0x20 && point.value != '\n' && point.value != '\t';
        out += !point.valid || control || point.value == 0x7F ? std::string_view("\uFFFD")
                                                              : text.substr(0, point.bytes);
        text.remove_prefix(point.bytes);
    }
    return out;
}

std::string inlineText(std::string_view text) {
    std::string out;
    for (const char c : cleaned(text)) {
        if (c == '\n' || c == '\t')
            out += ' ';
        else if (c == '<')
            out += "&lt;";
        else if (c == '&')
            out += "&amp;";
        else if (std::string_view("\\`*_{}[]()#+!|>~").find(c) != std::string_view::npos)
            out += std::string("\\") + c;
        else
            out += c;
    }
    return out;
}

std::string row(const std::vector<std::string>& cells) {
    std::string out = "|";
    for (const std::string& cell : cells) out += " " + cell + " |";
    return out + "\n";
}

std::string heading(const std::vector<std::string>& cells) {
    return row(cells) + row(std::vector<std::string>(cells.size(), "---"));
}

}  // namespace fluxscope::markdown
