#include "app/desktop/screenshot.h"

#include "app/desktop/main_window.h"
#include "engine/contract/error.h"

#include <spdlog/spdlog.h>

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QTimer>
#include <memory>

namespace fluxscope {
namespace {

constexpr std::chrono::milliseconds kLook{50};
constexpr int kRestMilliseconds = 600;  // figures are made in jobs after the last snapshot
constexpr int kPatienceMilliseconds = 120'000;

}  // namespace

void takeScreenshotWhenResting(MainWindow& window, const QString& file) {
    auto* timer = new QTimer(&window);
    auto since = std::make_shared<QElapsedTimer>();
    auto started = std::make_shared<QElapsedTimer>();
    started->start();
    QObject::connect(timer, &QTimer::timeout, &window, [&window, file, since, started] {
        if (!window.resting())
            since->invalidate();
        else if (!since->isValid())
            since->start();
        if (since->isValid() && since->elapsed() >= kRestMilliseconds) {
            const bool written = window.grab().save(file, "PNG");
            if (!written) spdlog::error("{}: cannot be written", file.toStdString());
            QCoreApplication::exit(written ? 0 : static_cast<int>(ErrorFamily::Machine));
        } else if (started->elapsed() > kPatienceMilliseconds) {
            spdlog::error("the window did not come to rest within two minutes");
            QCoreApplication::exit(static_cast<int>(ErrorFamily::Fault));
        }
    });
    timer->start(kLook);
}

}  // namespace fluxscope
