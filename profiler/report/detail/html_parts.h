// What the sections of the page are put together from. `tag` and `attributes` are ours; every other text may be anybody's, and is
// escaped here.
#pragma once

#include "profiler/figure/svg.h"
#include "profiler/figure/theme.h"
#include "profiler/report/report.h"

#include <initializer_list>
#include <string>
#include <string_view>

namespace fluxscope {

inline constexpr double kFigureWidth = 992;

inline std::string element(std::string_view tag, std::string_view text, std::string_view attributes = {}) {
    return "<" + std::string(tag) + (attributes.empty() ? "" : " ") + std::string(attributes) + ">" +
           escapedXml(text) + "</" + std::string(tag) + ">";
}

inline std::string runName(const ReportRun& run) {
    return "Run " + std::to_string(run.settings.run.value()) + ": " + run.settings.policyName;
}

// Both themes; the page shows the one that the reader's system asks for.
template <class Draw>
std::string figureElement(const std::string& id, const std::string& title, const Draw& draw) {
    std::string out = "<figure>\n";
    for (const Theme* theme : {&lightTheme(), &darkTheme()}) {
        const std::string name(theme->name);
        out += "<div class=\"" + name + "\">\n" +
               toSvg(draw(*theme), {.idPrefix = id + name, .title = title}) + "</div>\n";
    }
    return out + "</figure>\n";
}

inline std::string headings(std::initializer_list<const char*> names) {
    std::string out = "<tr>";
    for (const char* name : names) out += element("th", name, "scope=\"col\"");
    return out + "</tr>\n";
}

inline std::string cells(std::initializer_list<std::string> values) {
    std::string out = "<tr>";
    for (const std::string& value : values) out += element("td", value);
    return out + "</tr>\n";
}

}  // namespace fluxscope
