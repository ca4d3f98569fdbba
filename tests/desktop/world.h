// What the desktop's tests share: a home of their own, the tiny model, and waiting without sleeping.
#pragma once

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>
#include <stdexcept>

namespace fluxscope::testing {

// A folder that lives as long as the tests do.
inline const QString& world() {
    static const QTemporaryDir folder;
    static const QString path = folder.path();
    return path;
}

inline QString tinyModel() {
    static const QString folder = [] {
        const QString path = world() + "/tiny";
        if (QProcess::execute(FLUXSCOPE_TINY_MODEL, {path}) != 0)
            throw std::runtime_error("tiny-model failed");
        return path;
    }();
    return folder;
}

template <class Condition>
bool eventually(Condition condition, int milliseconds = 30'000) {
    return QTest::qWaitFor(condition, milliseconds);
}

}  // namespace fluxscope::testing
