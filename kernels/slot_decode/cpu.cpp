#include "kernels/detail/attend_tile.h"
#include "kernels/slot_decode/slot_decode.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace fluxscope {
namespace {

// A KV head's slots are shared out in parts of this many. It follows from the length alone, so the bits do too.
constexpr std::int64_t kPartSlots = 1024;
// Below this many multiplications, waking another thread takes longer than the work.
constexpr std::int64_t kWorthThreads = 1 << 18;

std::int64_t partsOf(const KvSlot& slot) { return (usedSlots(slot) + kPartSlots - 1) / kPartSlots; }

AttendTile tileOf(const SlotDecodeShape& s, const void* q, const KvSlot& slot, void* out,
                  std::int64_t entry) {
    const std::int64_t group = s.heads / s.kvHeads;
    const std::int64_t begin = entry * group * s.dim * cost::bytesOf(s.type);
    return {.type = s.type,
            .q = static_cast<const std::byte*>(q) + begin,
            .out = static_cast<std::byte*>(out) + begin,
            .k = slot.k,
            .v = slot.v,
            .queryStride = group * s.dim,
            .keyStride = s.dim,
            .rows = 1,
            .group = group,
            .dim = s.dim,
            .ranges = {}};
}

struct Piece {
    std::int64_t entry;
    std::int64_t part;
};

}  // namespace

void slotDecodeCpu(const SlotDecodeShape& s, const void* q, const KvSlot* table, void* out,
                   const ParallelFor& parallel) {
    const std::int64_t group = s.heads / s.kvHeads;
    const std::int64_t entries = s.sequences * s.kvHeads;
    std::vector<Piece> pieces;
    std::int64_t slots = 0;
    for (std::int64_t entry = 0; entry < entries; ++entry) {
        slots += usedSlots(table[entry]);
        for (std::int64_t part = 0; part < partsOf(table[entry]); ++part) pieces.push_back({entry, part});
    }
    // Of each piece: group * dim sums of values, then group sums of powers, then group bounds.
    const std::int64_t pieceFloats = group * (s.dim + 2);
    std::vector<float> memory(pieces.size() * static_cast<std::size_t>(pieceFloats));
    const auto partOf = [&](std::size_t piece) {
        float* mixed = memory.data() + piece * static_cast<std::size_t>(pieceFloats);
        return AttendedPart{
            .mixed = mixed, .sum = mixed + group * s.dim, .largest = mixed + group * (s.dim + 1)};
    };

    const auto attend = [&](std::int64_t n) {
        const Piece& piece = pieces[static_cast<std::size_t>(n)];
        const KvSlot& slot = table[piece.entry];
        const std::int64_t begin = piece.part * kPartSlots;
        const std::array<KeyRange, 1> range = {
            {{begin, std::min(begin + kPartSlots, usedSlots(slot)), KeyMask::None}}};
        AttendTile tile = tileOf(s, q, slot, out, piece.entry);
        tile.ranges = range;
        if (partsOf(slot) == 1)
            attendTile(tile);
        else
            attendPart(tile, partOf(static_cast<std::size_t>(n)));
    };
    const auto count = static_cast<std::int64_t>(pieces.size());
    if (slots * group * s.dim < kWorthThreads)
        serially(count, attend);
    else
        parallel(count, attend);

    std::vector<AttendedPart> parts;
    for (std::size_t first = 0; first < pieces.size(); first += parts.size()) {
        parts.clear();
        const KvSlot& slot = table[pieces[first].entry];
        for (std::int64_t part = 0; part < partsOf(slot); ++part)
            parts.push_back(partOf(first + static_cast<std::size_t>(part)));
        if (parts.size() > 1) mergeParts(tileOf(s, q, slot, out, pieces[first].entry), parts);
    }
}

}  // namespace fluxscope
