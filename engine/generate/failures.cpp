#include "engine/generate/failures.h"

#include <c10/core/CachingDeviceAllocator.h>

#include <cstring>

namespace fluxscope {

std::string firstLine(const char* text) {
    return printable(std::string(text, std::strcspn(text, "\n")), 200);
}

void throwOutOfMemory(const std::string& where, const MemoryAccount& account) {
    releaseCachedMemory();
    throw MachineError("the run", "", "does not fit " + where + ": " + account(),
                       "use shorter prompts, fewer at once (--batch), a sparser policy, another --dtype or a "
                       "smaller model");
}

void releaseCachedMemory() {
    if (auto* cuda = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(c10::DeviceType::CUDA)))
        cuda->emptyCache();
}

}  // namespace fluxscope
