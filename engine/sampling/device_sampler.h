// Says where the logits lie what Sampler says on the host (sampler.h), as a part of a decode step: the token that comes next
// goes straight into the ids that the next step reads. The same tokens, except where a random number falls within rounding of a
// border between two, and log-probabilities equal within fp32 rounding.
//
// Probabilities are summed as whole numbers of 2^-44 of the largest one: such sums are the same in any order, so the same run
// twice draws the same, however a GPU adds.
#pragma once

#include "engine/sampling/sampler.h"
#include "engine/transformer/compute.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace fluxscope {

// What the host gives a row for a step.
struct RowInput {
    std::optional<TokenId> given;  // chosen elsewhere
    double drawn = 0;              // its random number: uniformAt()
};

class DeviceSampler {
public:
    // `forced`: every row is always given its token.
    DeviceSampler(const Compute& compute, const SamplingOptions& options, std::int64_t vocabulary,
                  bool forced);

    // Rows of the steps to come, and what the text of each sequence is made of so far; rows beyond the texts are padding. As
    // long as `rows` is the same all memory stays where it is, as a recorded step wants it.
    void begin(std::int64_t rows, std::span<const std::span<const TokenId>> texts);

    // From logits [rows, vocabulary] fp32, drawn() and given() to ids [rows] int64 and choices(). Only enqueues, and needs
    // nothing from the host.
    void choose(const at::Tensor& logits, const at::Tensor& ids);

    const at::Tensor& drawn() const { return drawn_; }      // double [rows]
    const at::Tensor& given() const { return given_; }      // int64 [rows], negative: none
    const at::Tensor& choices() const { return choices_; }  // bytes [rows, sizeof(RowChoice)]

private:
    bool looksAtTexts() const;
    at::Tensor penalized(const at::Tensor& logits) const;
    at::Tensor preferred(const at::Tensor& logits) const;
    at::Tensor drawnFrom(const at::Tensor& scores) const;
    void describe(const at::Tensor& logits, const at::Tensor& given, const at::Tensor& ids) const;

    Compute compute_;
    SamplingOptions options_;
    std::int64_t vocabulary_;
    bool forced_;
    at::Tensor
        temperature_;  // of one number, over there: dividing by a number from here would multiply by its inverse
    at::Tensor penalty_;
    at::Tensor seen_;  // bool [rows, vocabulary]: tokens of the text; undefined where nobody looks
    at::Tensor drawn_;
    at::Tensor given_;
    at::Tensor choices_;
};

}  // namespace fluxscope
