// How long the engine's threads wait for work before they sleep. OpenMP's own answer is to spin for milliseconds, which
// is harmless on a machine that has nothing else to do and ruinous on any other: each step waits for a thread that waits for
// a core (prefill 12 s instead of 1.7, docs/performance.md). OMP_WAIT_POLICY or GOMP_SPINCOUNT in the environment win.
#pragma once

namespace fluxscope {

// For a program that loads the engine later: OpenMP reads its settings when it is loaded.
void letThreadsSleep();

// For a program that is linked to the engine: starts itself anew, once, with the settings in place. Nothing may have been
// read from stdin. Returns where they are in place, or the program cannot be started again.
void restartWithThreadsThatSleep(char** argv);

}  // namespace fluxscope
