#include "views/fonts.h"

#include <QFontDatabase>
#include <QResource>
#include <QStringList>

// Resources of a static library are dropped by the linker unless somebody asks for them; the macro declares a
// function and must stand outside any namespace.
static void initialiseFontResource() { Q_INIT_RESOURCE(fonts); }

namespace fluxscope {

QByteArray figureFont() {
    initialiseFontResource();
    static const QResource resource(QStringLiteral(":/fluxscope/fonts/JetBrainsMono-Regular.ttf"));
    Q_ASSERT(resource.isValid());
    static const QByteArray font = resource.uncompressedData();
    return font;
}

QString figureFontFamily() {
    static const QString family = [] {
        const int id = QFontDatabase::addApplicationFontFromData(figureFont());
        const QStringList families = QFontDatabase::applicationFontFamilies(id);
        return families.isEmpty() ? QStringLiteral("monospace") : families.front();
    }();
    return family;
}

}  // namespace fluxscope
