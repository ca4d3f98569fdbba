// Light or dark, for widgets and figures from the same values (profiler/figure/theme.h).
#pragma once

#include "profiler/figure/theme.h"

#include <QColor>
#include <QObject>

class QApplication;
class QPalette;

namespace fluxscope {

enum class ThemeChoice : std::uint8_t { System, Light, Dark };

inline QColor toQColor(Color c) { return {c.r, c.g, c.b, c.a}; }

QPalette paletteOf(const Theme& theme);
QString styleSheetOf(const Theme& theme);

// Qt 6.5 can say what the desktop prefers; before, a dark window colour does.
bool isDark(const QPalette& palette);

// Dresses the application and tells the views when it changes. One per program, made right after the QApplication.
class Appearance : public QObject {
    Q_OBJECT

public:
    explicit Appearance(QApplication& application, ThemeChoice choice = ThemeChoice::System);

    const Theme& theme() const { return *theme_; }
    ThemeChoice choice() const { return choice_; }
    void choose(ThemeChoice choice);

signals:
    void changed(const fluxscope::Theme& theme);

private:
    void apply();
    bool systemIsDark() const;

    QApplication& application_;
    bool startedDark_;  // the palette before we touched it
    ThemeChoice choice_;
    const Theme* theme_;
};

}  // namespace fluxscope
