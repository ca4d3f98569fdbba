#pragma once

#include <QString>

namespace fluxscope {

class MainWindow;

// --screenshot: once the window has rested for a moment it is written to `file` and the program ends; with 6 when it never
// rests, with 4 when the file cannot be written.
void takeScreenshotWhenResting(MainWindow& window, const QString& file);

}  // namespace fluxscope
