#include "app/desktop/log_panel.h"

#include "views/fonts.h"

#include <QTime>

namespace fluxscope {

LogPanel::LogPanel(QWidget* parent) : QPlainTextEdit(parent) {
    setObjectName(QStringLiteral("log"));
    setAccessibleName(tr("Log"));
    setReadOnly(true);
    setMaximumBlockCount(2000);
    setLineWrapMode(QPlainTextEdit::WidgetWidth);
    setFrameShape(QFrame::NoFrame);
    QFont face(figureFontFamily());
    face.setPointSizeF(font().pointSizeF() * 0.92);
    setFont(face);
}

void LogPanel::say(const QString& line) {
    QString shown = line;
    for (QChar& c : shown)
        if (c.category() == QChar::Other_Control) c = QChar(0x00B7);
    appendPlainText(QTime::currentTime().toString(QStringLiteral("HH:mm:ss  ")) + shown);
}

}  // namespace fluxscope
