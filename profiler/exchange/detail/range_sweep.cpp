#include "profiler/exchange/detail/range_sweep.h"

#include <algorithm>

namespace fluxscope {
namespace {

// step 31, layer + 1: 13, chunk + 1: 14 (a chunk beyond is left out), op + 1: 4, phase 1, and one that is always set.
constexpr int kLayerAt = 31, kChunkAt = 44, kOpAt = 58, kPhaseAt = 62, kSetAt = 63;
constexpr std::uint64_t kStepMask = (1U << 31) - 1, kLayerMask = (1U << 13) - 1, kChunkMask = (1U << 14) - 1,
                        kOpMask = (1U << 4) - 1;

}  // namespace

PackedPlace::PackedPlace(const ScopeKey& key) {
    bits_ = (std::uint64_t{1} << kSetAt) | (static_cast<std::uint64_t>(key.step.value()) & kStepMask);
    if (key.layer) bits_ |= static_cast<std::uint64_t>(key.layer->value() + 1) << kLayerAt;
    if (key.chunk && key.chunk->value() + 1 < static_cast<std::int32_t>(kChunkMask))
        bits_ |= static_cast<std::uint64_t>(key.chunk->value() + 1) << kChunkAt;
    if (key.op) bits_ |= (static_cast<std::uint64_t>(*key.op) + 1) << kOpAt;
    if (key.phase == Phase::Decode) bits_ |= std::uint64_t{1} << kPhaseAt;
}

std::optional<ScopeKey> PackedPlace::key() const {
    if (bits_ == 0) return std::nullopt;
    ScopeKey key{.step = StepIndex::of(bits_ & kStepMask)};
    if (const auto layer = bits_ >> kLayerAt & kLayerMask; layer > 0) key.layer = LayerIndex::of(layer - 1);
    if (const auto chunk = bits_ >> kChunkAt & kChunkMask; chunk > 0) key.chunk = ChunkIndex::of(chunk - 1);
    if (const auto op = bits_ >> kOpAt & kOpMask; op > 0) key.op = static_cast<Op>(op - 1);
    key.phase = (bits_ >> kPhaseAt & 1) != 0 ? Phase::Decode : Phase::Prefill;
    return key;
}

void RangeSweep::newThread() {
    open_.clear();
    pass_ = -1;
    lastLayer_ = -1;
}

bool RangeSweep::open(const NamedPlace& named, Nanoseconds begin, Nanoseconds end) {
    if (named.saysNothing()) return true;
    if (open_.size() >= kMostOpen) return false;
    Open range = open_.empty() ? Open{} : open_.back();
    range.begin = begin;
    range.end = end;
    range.isScope = true;
    ScopeKey& key = range.key;
    if (named.phase || named.step) {
        key.layer.reset();
        key.chunk.reset();
        key.op.reset();
    }
    if (named.layer) {
        key.chunk.reset();
        key.op.reset();
    }
    if (named.phase) {
        key.phase = *named.phase;
        range.saysPhase = true;
        // "decode", and no more, may be one step or all of them: the passes in it are counted, and it is no scope itself.
        range.saysStep = named.step.has_value();
        if (!range.saysStep) {
            range.isScope = named.layer.has_value();
            ++pass_;
            lastLayer_ = -1;
        }
        if (key.phase == Phase::Prefill) pass_ = 0;
    }
    if (named.step) {
        key.step = StepIndex(*named.step);
        range.saysStep = true;
        if (!range.saysPhase) key.phase = *named.step == 0 ? Phase::Prefill : Phase::Decode;
        pass_ = *named.step;
    }
    if (named.layer) {
        key.layer = LayerIndex(*named.layer);
        if (!range.saysStep && (*named.layer < lastLayer_ || pass_ < 0)) ++pass_;
        lastLayer_ = *named.layer;
    }
    if (!range.saysStep) {
        // In a phase that is decode by name the first pass is step 1, whatever came before was prefill.
        const std::int32_t step = std::max(pass_, range.saysPhase && key.phase == Phase::Decode ? 1 : 0);
        pass_ = step;
        key.step = StepIndex(step);
        if (!range.saysPhase) key.phase = step == 0 ? Phase::Prefill : Phase::Decode;
    }
    if (named.chunk) key.chunk = ChunkIndex(*named.chunk);
    if (named.op) key.op = named.op;
    open_.push_back(range);
    return true;
}

PackedPlace RangeSweep::place() const {
    return open_.empty() ? PackedPlace{} : PackedPlace(open_.back().key);
}

}  // namespace fluxscope
