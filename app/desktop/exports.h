// What leaves the window as a file: reports of the capture, the current figure as a picture.
#pragma once

#include "profiler/capture/snapshot.h"
#include "profiler/figure/display_list.h"

#include <QString>

namespace fluxscope {

enum class ReportForm : std::uint8_t { Html, Markdown };

// Both run off the UI thread and throw MachineError where the file cannot be written.
void exportReport(const Snapshot& snapshot, ReportForm form, const QString& file);
void exportSvg(const DisplayList& figure, const QString& file);

// At two pixels per logical one: sharp on a slide. Needs the UI thread's fonts.
void exportPng(const DisplayList& figure, const QString& file);

}  // namespace fluxscope
