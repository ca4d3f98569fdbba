// What is trained on, and how it becomes a batch. Whoever has data implements SampleSource: generated tasks, prompt sets, a folder
// of text.
#pragma once

#include "engine/contract/index.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope::train {

struct Sample {
    std::vector<TokenId> ids;
    std::vector<float>
        weights;  // by token: how much it counts that it is foretold; of the first it never does
    std::int64_t promptTokens = 0;  // the first so many are what a router sees; 0: all
};

class SampleSource {
public:
    SampleSource() = default;
    SampleSource(const SampleSource&) = delete;
    SampleSource& operator=(const SampleSource&) = delete;
    virtual ~SampleSource() = default;

    virtual const std::vector<std::string>& tasks() const = 0;
    // At most `length` tokens, at least 2. The same arguments give the same sample, at any time and after any restart:
    // a training that resumes asks for what it would have asked for. Called by several threads at once.
    virtual Sample draw(std::int32_t task, std::int64_t length, std::uint64_t seed) const = 0;
    // What the samples are made of: a training goes on only with the same.
    virtual std::string fingerprint() const = 0;
};

// What the loss is a mean of: weighted tokens, or tasks, each a mean of its weighted tokens, so that a task with long answers
// does not drown the others.
enum class LossMean : std::uint8_t { Tokens, Tasks };

// Row (b, t) foretells token t + 1 of prompt b.
struct Batch {
    at::Tensor ids;                  // [batch, length], int64, 0 behind a prompt's end
    at::Tensor pool;                 // [batch, length], fp32: what each token is worth in the router's mean
    std::vector<std::int32_t> task;  // by prompt
    std::int64_t tokens = 0;         // without those behind the ends

    // Rows that count, in order, and what each foretells.
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> targets;
    std::vector<std::int32_t> rowTask;
    std::vector<float> weights;  // the samples' own
    std::vector<char> heaviest;  // 1: no token of its sample weighs more: an answer's, or any of plain text
    std::vector<float> coefficients;  // so that the loss is the sum of coefficient * cross-entropy
};

// `pool`: prompt tokens that a router takes from each end. Throws InputError for a sample that keeps not to SampleSource's word or
// has ids outside the vocabulary, and when no token of the batch counts.
Batch batchOf(const std::vector<Sample>& samples, const std::vector<std::int32_t>& tasks, std::int64_t length,
              std::int64_t vocabulary, std::int64_t pool, LossMean mean, at::Device device);

// Tasks by shares: after any number of prompts each task was dealt its share to within one. The state is small and is saved.
class Dealer {
public:
    explicit Dealer(std::vector<double> shares);

    std::int32_t next();

    const std::vector<double>& credits() const { return credits_; }
    void resume(std::vector<double> credits) { credits_ = std::move(credits); }

private:
    std::vector<double> shares_;  // sum 1
    std::vector<double> credits_;
};

}  // namespace fluxscope::train
