// What the parts of the Markdown report are put together from: text of a file, so that nothing in it is markup, and tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::markdown {

// Characters that no reader should meet raw become U+FFFD. Line breaks and tabs stay.
std::string cleaned(std::string_view text);

// Within a line or a table cell: nothing in it is markup.
std::string inlineText(std::string_view text);

std::string row(const std::vector<std::string>& cells);
std::string heading(const std::vector<std::string>& cells);

}  // namespace fluxscope::markdown
