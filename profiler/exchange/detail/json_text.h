// JSON as it is streamed: text in quotation marks, whatever bytes it has.
#pragma once

#include <string>
#include <string_view>

namespace fluxscope {

// Bytes that are not UTF-8 become U+FFFD. With the marks around it.
void appendJsonText(std::string& out, std::string_view text);
std::string utf8Of(std::string_view text);  // the same without marks and escapes

// A number that JSON can say; else null.
void appendJsonNumber(std::string& out, double value);

}  // namespace fluxscope
