#include "profiler/record/cupti/detail/scope_ids.h"

#include <utility>

namespace fluxscope {
namespace {

constexpr std::uint32_t kIsChunk = 1U << 31;

}  // namespace

std::size_t ScopeIds::HashOfPlace::operator()(const RunPlace& place) const {
    const ScopeKey& key = place.key;
    std::uint64_t h = place.run;
    const auto mix = [&h](std::int64_t value) {
        h = (h ^ static_cast<std::uint64_t>(value)) * 0x9E3779B97F4A7C15ULL;
        h ^= h >> 32;
    };
    mix(static_cast<std::int64_t>(key.batch.value()) << 32 | key.turn.value());
    mix(static_cast<std::int64_t>(key.step.value()) << 1 | static_cast<std::int64_t>(key.phase));
    mix((key.layer ? key.layer->value() + 1LL : 0) << 32 |
        (key.op ? static_cast<std::int64_t>(*key.op) + 1 : 0));
    return static_cast<std::size_t>(h);
}

ScopeTicket ScopeIds::ticketOf(const ScopeKey& key) {
    RunPlace place{run_, key};
    std::uint32_t low = 0;
    if (key.chunk) {
        low = kIsChunk | static_cast<std::uint32_t>(key.chunk->value());
        place.key.chunk.reset();
    } else {
        low = static_cast<std::uint32_t>(key.step.value());
        place.key.step = {};
    }
    const auto [at, isNew] = numbers_.try_emplace(place, static_cast<std::uint32_t>(numbers_.size() + 1));
    if (isNew) {
        const std::lock_guard lock(mutex_);
        entries_.push_back(place);
    }
    return static_cast<ScopeTicket>(at->second) << 32 | low;
}

std::optional<RunPlace> ScopeIds::placeOf(ScopeTicket ticket) {
    const auto number = static_cast<std::size_t>(ticket >> 32);
    if (number == 0) return std::nullopt;
    if (number > known_.size()) {
        const std::lock_guard lock(mutex_);
        known_.insert(known_.end(), entries_.begin() + static_cast<std::ptrdiff_t>(known_.size()),
                      entries_.end());
    }
    if (number > known_.size()) return std::nullopt;
    RunPlace place = known_[number - 1];
    const auto low = static_cast<std::uint32_t>(ticket);
    if ((low & kIsChunk) != 0)
        place.key.chunk = ChunkIndex::of(low & ~kIsChunk);
    else
        place.key.step = StepIndex::of(low);
    return place;
}

std::vector<RunPlace> ScopeIds::entries() {
    const std::lock_guard lock(mutex_);
    return entries_;
}

void ScopeIds::restore(std::vector<RunPlace> entries) {
    const std::lock_guard lock(mutex_);
    entries_ = std::move(entries);
    known_.clear();
}

}  // namespace fluxscope
