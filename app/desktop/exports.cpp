#include "app/desktop/exports.h"

#include "engine/contract/error.h"
#include "profiler/figure/svg.h"
#include "profiler/report/report.h"
#include "views/painter/painter.h"

#include <QImage>
#include <QSaveFile>

namespace fluxscope {
namespace {

constexpr double kPngScale = 2;

void write(const QString& file, const std::string& content) {
    QSaveFile out(file);  // whole or not at all
    const auto size = static_cast<qint64>(content.size());
    if (!out.open(QIODevice::WriteOnly) || out.write(content.data(), size) != size || !out.commit())
        throw MachineError{file.toStdString(), "", "cannot be written: " + out.errorString().toStdString(),
                           "choose another place"};
}

}  // namespace

void exportReport(const Snapshot& snapshot, ReportForm form, const QString& file) {
    // From the file, which has what a snapshot leaves out: kernels, samples, counted bytes.
    const Report report = buildReport(readReportSources(snapshot.file));
    write(file, form == ReportForm::Html ? htmlReport(report) : markdownReport(report));
}

void exportSvg(const DisplayList& figure, const QString& file) {
    write(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" +
                    toSvg(figure, {.idPrefix = "f", .title = "FluxScope"}));
}

void exportPng(const DisplayList& figure, const QString& file) {
    if (!toImage(figure, kPngScale).save(file, "PNG"))
        throw MachineError{file.toStdString(), "", "cannot be written", "choose another place"};
}

}  // namespace fluxscope
