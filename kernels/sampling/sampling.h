// What a step says of each row of logits: a token, its log-probability, the most probable tokens and the mass of all others.
//
//   logits   [rows, vocabulary]  fp32
//   given    [rows]              the token to describe; negative: the most probable one, of equals the first
//   chosen   [rows]              the token described; may alias given
//   out      [rows]              RowChoice
//
// Probabilities are those of the row as it stands, before any step of sampling: exp(logit - log(sum of exp)). Of equally
// probable tokens the lower id comes first. A row whose sum is not finite (a NaN, +infinity, nothing but -infinity) is said to
// be so: its log-probability is NaN, it has no top tokens, and where none was given token 0 is chosen, so that whoever looks
// it up stays inside the vocabulary.
#pragma once

#include "kernels/keys_values.h"

#include <array>
#include <cstdint>

namespace fluxscope {

inline constexpr std::int32_t kTopTokens = 32;

struct RowChoice {
    double tailMass = 0;  // the probability of all that are not in top; 0 when none is left
    std::int32_t id = 0;
    float logprob = 0;
    std::int32_t tops = 0;  // how many of top there are: kTopTokens, or the vocabulary if that is smaller
    std::array<std::int32_t, kTopTokens> topIds{};
    std::array<float, kTopTokens> topLogprobs{};
};

struct DescribeShape {
    std::int64_t rows = 0;
    std::int64_t vocabulary = 0;  // >= 1, < 2^31
};

// The definition.
void describeReference(const DescribeShape& shape, const float* logits, const std::int64_t* given,
                       std::int64_t* chosen, RowChoice* out);

// The same on the device, where all of it lies, in one pass over the logits; the same bits every time and whatever other rows
// there are. Enqueues and returns; throws std::runtime_error if the launch is refused.
std::int64_t describeScratchBytes(const DescribeShape& shape);
void describeCuda(const DescribeShape& shape, const float* logits, const std::int64_t* given,
                  std::int64_t* chosen, RowChoice* out, void* scratch, CudaStream stream);

}  // namespace fluxscope
