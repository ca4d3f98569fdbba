#pragma once

namespace fluxscope {

// --serve: loads the engine host, which this program does not link, and is it from then on. Returns the exit code.
int beTheWorker();

}  // namespace fluxscope
