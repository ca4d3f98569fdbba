// Slots with random keys and values: what kv_write and slot_decode work on.
#pragma once

#include "kernels/slot_decode/slot_decode.h"
#include "tests/fixture/random.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace fluxscope {

struct SlotSizes {
    std::int64_t capacity = 0;
    std::int64_t sink = 0;
    std::int64_t length = 0;
};

// One entry a sequence and KV head, each with memory of its own behind `table`.
struct SlotWorld {
    using Rounding = std::function<float(float)>;

    SlotDecodeShape shape;
    std::vector<float> q;
    std::vector<std::vector<float>> k, v, undoK, undoV;
    std::vector<KvSlot> table;

    SlotWorld(
        const SlotDecodeShape& s, const std::vector<SlotSizes>& entries,
        const Rounding& rounded = [](float x) { return x; })
        : shape(s) {
        FixtureRandom random(17);
        const auto numbers = [&](std::int64_t count) {
            std::vector<float> values(static_cast<std::size_t>(count));
            for (float& value : values) value = rounded(random.normal());
            return values;
        };
        q = numbers(s.sequences * s.heads * s.dim);
        for (const SlotSizes& sizes : entries) {
            k.push_back(numbers(sizes.capacity * s.dim));
            v.push_back(numbers(sizes.capacity * s.dim));
            undoK.push_back(numbers(kUndoSlots * s.dim));
            undoV.push_back(numbers(kUndoSlots * s.dim));
            table.push_back({.k = k.back().data(),
                             .v = v.back().data(),
                             .capacity = sizes.capacity,
                             .sink = sizes.sink,
                             .length = sizes.length,
                             .undoK = undoK.back().data(),
                             .undoV = undoV.back().data()});
        }
    }
    SlotWorld(const SlotWorld&) = delete;  // the table points into this one
    SlotWorld& operator=(const SlotWorld&) = delete;

    std::int64_t mostSlots() const {
        std::int64_t most = 0;
        for (const KvSlot& entry : table) most = std::max(most, entry.capacity);
        return most;
    }
    std::vector<float> attended() const {
        std::vector<float> out(q.size());
        slotDecodeReference(shape, q.data(), table.data(), out.data());
        return out;
    }
};

}  // namespace fluxscope
