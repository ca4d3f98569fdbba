#include "app/desktop/settings.h"

#include <QFileInfo>
#include <QSettings>

namespace fluxscope {
namespace {

// Raised when docks change, so that an old layout is not laid over a new window.
constexpr int kDocksVersion = 1;

QString key(const char* name) { return QString::fromLatin1(name); }
QString docksKey() { return QStringLiteral("window/docks%1").arg(kDocksVersion); }

}  // namespace

ThemeChoice themeChoiceOf(const QString& name, ThemeChoice otherwise) {
    for (const ThemeChoice choice : {ThemeChoice::System, ThemeChoice::Light, ThemeChoice::Dark})
        if (name == nameOf(choice)) return choice;
    return otherwise;
}

QString nameOf(ThemeChoice choice) {
    switch (choice) {
        case ThemeChoice::System: return QStringLiteral("system");
        case ThemeChoice::Light: return QStringLiteral("light");
        case ThemeChoice::Dark: return QStringLiteral("dark");
    }
    return {};
}

ThemeChoice Settings::theme() const {
    return themeChoiceOf(QSettings().value(key("theme")).toString(), ThemeChoice::System);
}
void Settings::setTheme(ThemeChoice choice) { QSettings().setValue(key("theme"), nameOf(choice)); }

QByteArray Settings::geometry() const { return QSettings().value(key("window/geometry")).toByteArray(); }
QByteArray Settings::docks() const { return QSettings().value(docksKey()).toByteArray(); }
void Settings::setWindow(const QByteArray& geometry, const QByteArray& docks) {
    QSettings settings;
    settings.setValue(key("window/geometry"), geometry);
    settings.setValue(docksKey(), docks);
}

QStringList Settings::recentCaptures() const {
    QStringList there;
    for (const QString& file : QSettings().value(key("recent-captures")).toStringList())
        if (QFileInfo::exists(file)) there.append(file);
    return there;
}

void Settings::addRecentCapture(const QString& file) {
    QStringList recents = recentCaptures();
    recents.removeAll(file);
    recents.prepend(file);
    QSettings().setValue(key("recent-captures"), QStringList(recents.mid(0, kMostRecents)));
}

QString Settings::model() const { return QSettings().value(key("model")).toString(); }
void Settings::setModel(const QString& folder) { QSettings().setValue(key("model"), folder); }

}  // namespace fluxscope
