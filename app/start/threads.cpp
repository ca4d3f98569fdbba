#include "app/start/threads.h"

#include <unistd.h>

#include <cstdlib>

namespace fluxscope {
namespace {

bool areTold() { return std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT"); }

}  // namespace

void letThreadsSleep() {
    // Below a millisecond: from one operation to the next, and no longer. A thread that sleeps between two of them gives its
    // core to whatever else is there and gets it back late: at 1000, beside compilers at the lowest priority, prefill took
    // twice and decode five times as long (docs/performance.md).
    if (!areTold()) ::setenv("GOMP_SPINCOUNT", "30000", 0);
}

void restartWithThreadsThatSleep(char** argv) {
    if (areTold()) return;
    letThreadsSleep();
    ::execv("/proc/self/exe", argv);
}

}  // namespace fluxscope
