// Display lists as SVG 1.1: for reports and for anybody's slides. Stands alone and can be put into HTML as it is.
#pragma once

#include "profiler/figure/display_list.h"

#include <string>
#include <string_view>

namespace fluxscope {

struct SvgOptions {
    std::string idPrefix = "f";  // of ids inside, so that several pictures can share a page
    std::string title;           // for screen readers
};

std::string toSvg(const DisplayList& list, const SvgOptions& options = {});

// For element content and quoted attributes of XML and HTML. What XML cannot hold (control characters, bytes that are not
// UTF-8) becomes U+FFFD; line breaks and tabs stay.
std::string escapedXml(std::string_view text);

}  // namespace fluxscope
