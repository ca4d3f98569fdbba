#include "app/cli/interrupt.h"

#include <atomic>
#include <csignal>

namespace fluxscope::cli {
namespace {

std::atomic<CancelToken*> interrupted = nullptr;  // a signal handler takes no argument

extern "C" void onInterrupt(int signal) {
    if (CancelToken* token = interrupted.load()) token->cancel();
    std::signal(signal, SIG_DFL);
}

}  // namespace

void cancelOnInterrupt(CancelToken& token) {
    interrupted = &token;
    std::signal(SIGINT, onInterrupt);
    std::signal(SIGTERM, onInterrupt);
}

}  // namespace fluxscope::cli
