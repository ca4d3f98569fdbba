#pragma once

#include <string>

namespace fluxscope {

// One line: "fluxscope-cli 0.1.0-12-gabcdef cpu". What "ready" says and captures keep.
std::string programLine(const std::string& program);
// For --version and the about box: the line above, then a library with its version on each line.
std::string versionText(const std::string& program);

}  // namespace fluxscope
