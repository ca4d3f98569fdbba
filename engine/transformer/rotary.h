// Rotary embedding as tables of cosines and sines. The frequencies are computed in fp32 in the order in which transformers
// does: at position 100,000 the last bit of a frequency is visible in the logits.
#pragma once

#include "engine/checkpoint/rope.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace fluxscope {

// What turns the rows of one call: one row of angles for each.
struct RotaryRows {
    at::Tensor cos;  // [rows, 1, dim / 2], fp32
    at::Tensor sin;
};

// Rotary embedding of positions 0 .. positions-1, in fp32.
struct RotaryTable {
    at::Tensor cos;  // [positions, 1, dim / 2]
    at::Tensor sin;

    RotaryRows rows(std::int64_t begin, std::int64_t count) const;  // of neighbours: views
    // Of any positions, an int64 tensor [rows] on the model's device: what a captured graph replays with other numbers in it.
    RotaryRows rows(const at::Tensor& positions) const;
};

// Radians a position, of each pair of a head's numbers: [dim / 2], fp32, on the CPU.
at::Tensor rotaryFrequencies(const RopeForm& form, std::int64_t dim);

RotaryTable rotaryTable(const RopeForm& form, std::int64_t dim, std::int64_t positions, at::Device device);

// Turns the pair (x[i], x[i + dim/2]) by the position's angle i: the halves' layout of Hugging Face, not neighbours'.
at::Tensor turned(const at::Tensor& x, const RotaryRows& rotary);

}  // namespace fluxscope
