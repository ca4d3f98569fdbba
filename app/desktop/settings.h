// What the window remembers from one day to the next.
#pragma once

#include "views/theme/appearance.h"

#include <QByteArray>
#include <QString>
#include <QStringList>

namespace fluxscope {

class Settings {
public:
    static constexpr int kMostRecents = 10;

    ThemeChoice theme() const;
    void setTheme(ThemeChoice choice);

    QByteArray geometry() const;
    QByteArray docks() const;
    void setWindow(const QByteArray& geometry, const QByteArray& docks);

    QStringList recentCaptures() const;  // newest first; those that are gone are left out
    void addRecentCapture(const QString& file);

    QString model() const;
    void setModel(const QString& folder);
};

// "system", "light", "dark", as on the command line and in the settings file.
ThemeChoice themeChoiceOf(const QString& name, ThemeChoice otherwise);
QString nameOf(ThemeChoice choice);

}  // namespace fluxscope
