#pragma once

#include <QPlainTextEdit>

namespace fluxscope {

// What the engine's process and the window have to say, a line each with its time; the newest stays in sight.
class LogPanel : public QPlainTextEdit {
    Q_OBJECT

public:
    explicit LogPanel(QWidget* parent = nullptr);

    void say(const QString& line);
};

}  // namespace fluxscope
