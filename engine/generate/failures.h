// What libraries throw while a model computes, turned into our errors.
#pragma once

#include "engine/contract/error.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <functional>
#include <new>
#include <string>

namespace fluxscope {

// LibTorch's messages are pages long and name its own sources; the first line says what happened.
std::string firstLine(const char* text);

// What the run needs and what is free now: asked for only when memory has run out.
using MemoryAccount = std::function<std::string()>;

[[noreturn]] void throwOutOfMemory(const std::string& where, const MemoryAccount& account);
// Gives what LibTorch has cached back to the device, so that the next run finds it.
void releaseCachedMemory();

template <class Work>
auto translated(Work work, const MemoryAccount& account) {
    const c10::InferenceMode inference;
    try {
        return work();
    } catch (const c10::OutOfMemoryError&) {
        throwOutOfMemory("the GPU's memory", account);
    } catch (const std::bad_alloc&) {
        throwOutOfMemory("this machine's memory", account);
    } catch (const c10::Error& e) {
        const std::string text = firstLine(e.what_without_backtrace());
        if (text.find("alloc") != std::string::npos) throwOutOfMemory("this machine's memory", account);
        throw FaultError("the run", "", "failed in LibTorch (" + text + ")",
                         "report it with the command that led here");
    }
}

}  // namespace fluxscope
