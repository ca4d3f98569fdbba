// fluxscope, the desktop. With --serve it is the engine's process instead and sets up no Qt.
#include "app/desktop/arguments.h"
#include "app/desktop/main_window.h"
#include "app/desktop/screenshot.h"
#include "app/desktop/serve_mode.h"
#include "app/start/failure.h"
#include "app/start/log.h"
#include "app/start/threads.h"

#include <spdlog/spdlog.h>

#include <QApplication>

namespace {

using namespace fluxscope;

int showWindow(int argc, char** argv, const Arguments& arguments) {
    QCoreApplication::setAttribute(Qt::AA_ShareOpenGLContexts);  // a dock that floats keeps its canvas
    QApplication application(argc, argv);
    QCoreApplication::setApplicationName(QStringLiteral("fluxscope"));
    QCoreApplication::setOrganizationName(QStringLiteral("fluxscope"));
    QGuiApplication::setApplicationDisplayName(QStringLiteral("FluxScope"));

    const bool remembers = arguments.screenshot.empty();
    const ThemeChoice remembered = remembers ? Settings().theme() : ThemeChoice::Light;
    Appearance appearance(application, themeChoiceOf(QString::fromStdString(arguments.theme), remembered));
    MainWindow window(appearance, arguments);
    window.show();
    if (!arguments.screenshot.empty())
        takeScreenshotWhenResting(window, QString::fromStdString(arguments.screenshot));
    return QApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
    const ParsedArguments parsed = parseArguments(argc, argv);
    if (parsed.exitCode) return *parsed.exitCode;
    startLogging("fluxscope", parsed.arguments.verbose);
    letThreadsSleep();  // the worker loads the engine later on
    try {
        return parsed.arguments.serve ? beTheWorker() : showWindow(argc, argv, parsed.arguments);
    } catch (...) {
        const Failure failure = currentFailure();
        spdlog::critical("{}", failure.message);
        return static_cast<int>(failure.family);
    }
}
