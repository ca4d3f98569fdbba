#include "app/start/threads.h"

#include <unistd.h>

#include <cstdlib>

namespace fluxscope {
namespace {

bool areTold() { return std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT"); }

}  // namespace

void letThreadsSleep() {
    // Some microseconds: from one product of a decode step to the next, and no longer.
    if (!areTold()) ::setenv("GOMP_SPINCOUNT", "1000", 0);
}

void restartWithThreadsThatSleep(char** argv) {
    if (areTold()) return;
    letThreadsSleep();
    ::execv("/proc/self/exe", argv);
}

}  // namespace fluxscope
