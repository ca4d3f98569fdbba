#pragma once

#include <QTest>

namespace fluxscope {

// Until `done`, five seconds at most.
template <class Done>
bool eventually(Done done) {
    return QTest::qWaitFor(done, 5000);
}

}  // namespace fluxscope
