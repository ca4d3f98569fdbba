// The face of figures, JetBrains Mono, carried in the program so that a picture does not depend on what is installed.
#pragma once

#include <QByteArray>
#include <QString>

namespace fluxscope {

// The TrueType file; valid as long as the program runs.
QByteArray figureFont();

// Makes it known to Qt and returns its family, for widgets that show ids and numbers. Needs a QGuiApplication.
QString figureFontFamily();

}  // namespace fluxscope
