#include "profiler/record/cupti/detail/buffers.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace fluxscope {
namespace {

constexpr std::size_t kAlignment = 64;  // CUPTI asks for 8
constexpr std::size_t kWaiting = 4;

}  // namespace

void ActivityBuffers::Free::operator()(std::uint8_t* bytes) const { std::free(bytes); }

void ActivityBuffers::prepare(std::size_t buffers) {
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (all_.size() >= std::min(buffers, limit_)) return;
        }
        std::uint8_t* const bytes = make();
        if (bytes == nullptr) return;
        const std::lock_guard lock(mutex_);
        free_.push_back(bytes);
    }
}

std::uint8_t* ActivityBuffers::request() {
    {
        const std::lock_guard lock(mutex_);
        if (!free_.empty()) {
            std::uint8_t* const bytes = free_.back();
            free_.pop_back();
            return bytes;
        }
        if (all_.size() >= limit_) return nullptr;
    }
    return make();
}

std::uint8_t* ActivityBuffers::make() {
    auto* const bytes = static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, kBytes));
    if (bytes == nullptr) return nullptr;
    std::memset(bytes, 0, kBytes);
    const std::lock_guard lock(mutex_);
    all_.emplace_back(bytes);
    return bytes;
}

bool ActivityBuffers::complete(std::uint8_t* bytes, std::size_t valid) {
    const std::lock_guard lock(mutex_);
    filled_.push_back({bytes, valid});
    return filled_.size() >= kWaiting;
}

std::vector<ActivityBuffers::Filled> ActivityBuffers::takeFilled() {
    const std::lock_guard lock(mutex_);
    std::vector<Filled> filled;
    filled.swap(filled_);
    return filled;
}

void ActivityBuffers::giveBack(const Filled& buffer) {
    if (buffer.bytes == nullptr) return;
    std::memset(buffer.bytes, 0, kBytes);
    const std::lock_guard lock(mutex_);
    free_.push_back(buffer.bytes);
}

}  // namespace fluxscope
