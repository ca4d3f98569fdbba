// The worker: JSON lines (app/protocol/messages.h) in and out around one EngineHost.
//
// A reader thread takes requests as they come: `cancel` and `status` are answered at once, `load`, `run` and `forecast` queue up for the
// calling thread, which is the only one that touches the engine. It ends, with 0, when `in` does; what runs is cancelled first.
#pragma once

#include <string>

namespace fluxscope {

// `program` introduces us in "ready", in captures and in logs: "fluxscope-cli 0.1.0-5-gabc cpu".
int serve(int in, int out, const std::string& program);

}  // namespace fluxscope

// serve() on stdin and stdout, for a program that loads this library at run time and must not map LibTorch otherwise: the
// desktop's --serve. Whatever else writes to stdout in this process from now on lands on stderr.
extern "C" int fluxscopeServe(const char* program);
