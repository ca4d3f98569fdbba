#include "app/desktop/about.h"

#include "app/start/version_text.h"

#include <QMessageBox>

namespace fluxscope {
namespace {

struct Dependency {
    const char* name;
    const char* licence;
};

// docs/dependencies.md has the same table with versions and reasons.
constexpr Dependency kDependencies[] = {
    {"Qt 6", "LGPL-3.0"},          {"Dear ImGui", "MIT"},
    {"LibTorch", "BSD-3-Clause"},  {"SQLite", "public domain"},
    {"SQLiteCpp", "MIT"},          {"nlohmann/json", "MIT"},
    {"CLI11", "BSD-3-Clause"},     {"spdlog", "MIT"},
    {"PCRE2", "BSD-3-Clause"},     {"Highway", "Apache-2.0"},
    {"JetBrains Mono", "OFL-1.1"},
};

QString licences() {
    QString rows;
    for (const Dependency& dependency : kDependencies)
        rows += QStringLiteral("<tr><td>%1&nbsp;&nbsp;</td><td>%2</td></tr>")
                    .arg(QLatin1String(dependency.name), QLatin1String(dependency.licence));
    return QStringLiteral("<table>%1</table>").arg(rows);
}

}  // namespace

void showAbout(QWidget* parent) {
    QMessageBox box(parent);
    box.setWindowTitle(QMessageBox::tr("About FluxScope"));
    box.setTextFormat(Qt::RichText);
    box.setText(
        QMessageBox::tr("<h3>FluxScope</h3><p>Profiles attention routing: what every layer decided, and what "
                        "that cost.</p>"));
    box.setInformativeText(QStringLiteral("<p>%1</p><p>%2</p>%3")
                               .arg(QString::fromStdString(versionText("fluxscope"))
                                        .toHtmlEscaped()
                                        .replace('\n', QLatin1String("<br>")),
                                    QMessageBox::tr("Apache License 2.0. It stands on:"), licences()));
    box.exec();
}

}  // namespace fluxscope
