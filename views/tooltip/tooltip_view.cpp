#include "views/tooltip/tooltip_view.h"

#include "views/theme/appearance.h"

#include <QToolTip>
#include <QWidget>

namespace fluxscope {
namespace {

QString escaped(const std::string& text) { return QString::fromStdString(text).toHtmlEscaped(); }

}  // namespace

QString toHtml(const Tooltip& tooltip, const Theme& theme) {
    const QString muted = toQColor(theme.textMuted).name();
    QString html =
        QStringLiteral("<p style='white-space:nowrap; margin:0'><b>%1</b></p>").arg(escaped(tooltip.title));
    html += QStringLiteral("<table cellspacing='0' cellpadding='1'>");
    for (const TooltipLine& line : tooltip.lines) {
        html += QStringLiteral("<tr><td style='color:%1; padding-right:14px; white-space:nowrap'>%2</td>")
                    .arg(muted, escaped(line.label));
        html += QStringLiteral("<td style='white-space:nowrap'>%1").arg(escaped(line.value));
        if (!line.origin.empty())
            html +=
                QStringLiteral("<span style='color:%1'> &nbsp;%2</span>").arg(muted, escaped(line.origin));
        html += QStringLiteral("</td></tr>");
    }
    return html + QStringLiteral("</table>");
}

void showTooltip(QWidget& over, Point at, const Tooltip& tooltip, const Theme& theme) {
    QToolTip::showText(over.mapToGlobal(QPoint(static_cast<int>(at.x), static_cast<int>(at.y))),
                       toHtml(tooltip, theme), &over);
}

void hideTooltip() { QToolTip::hideText(); }

}  // namespace fluxscope
