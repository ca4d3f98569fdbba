#include "engine/train/sample.h"

#include "engine/contract/error.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace fluxscope::train {
namespace {

void requireSample(const Sample& sample, std::int64_t length, std::int64_t vocabulary) {
    const auto refuse = [](const char* field, const std::string& problem) {
        throw InputError("training data", field, problem,
                         "mend the task or the data set that gave this sample");
    };
    const auto tokens = static_cast<std::int64_t>(sample.ids.size());
    if (tokens < 2 || tokens > length)
        refuse("ids", "has " + std::to_string(tokens) + " tokens, not from 2 to " + std::to_string(length));
    if (sample.weights.size() != sample.ids.size())
        refuse("weights", "has " + std::to_string(sample.weights.size()) + " numbers for " +
                              std::to_string(tokens) + " tokens");
    if (sample.promptTokens < 0 || sample.promptTokens > tokens)
        refuse("promptTokens",
               "is " + std::to_string(sample.promptTokens) + " of " + std::to_string(tokens) + " tokens");
    for (const TokenId id : sample.ids)
        if (id.value() < 0 || id.value() >= vocabulary)
            refuse("ids", "has token " + std::to_string(id.value()) + " of a vocabulary of " +
                              std::to_string(vocabulary));
    for (const float weight : sample.weights)
        if (!(weight >= 0 && std::isfinite(weight))) refuse("weights", "has a number below 0 or none at all");
}

// As engine/router pools: the first and the last tokens of the prompt, those that are both counted twice.
void fillPool(float* row, std::int64_t promptTokens, std::int64_t pool) {
    const std::int64_t end = std::min(pool, promptTokens);
    const float each = 1 / (2 * static_cast<float>(end));
    for (std::int64_t i = 0; i < end; ++i) {
        row[i] += each;
        row[promptTokens - 1 - i] += each;
    }
}

void setCoefficients(Batch& batch, LossMean mean) {
    std::map<std::int32_t, double> sums;
    for (std::size_t i = 0; i < batch.rows.size(); ++i)
        sums[mean == LossMean::Tasks ? batch.rowTask[i] : 0] += batch.weights[i];
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
        const double sum = sums.at(mean == LossMean::Tasks ? batch.rowTask[i] : 0);
        batch.coefficients.push_back(
            static_cast<float>(batch.weights[i] / sum / static_cast<double>(sums.size())));
    }
}

}  // namespace

Batch batchOf(const std::vector<Sample>& samples, const std::vector<std::int32_t>& tasks, std::int64_t length,
              std::int64_t vocabulary, std::int64_t pool, LossMean mean, at::Device device) {
    Batch batch;
    batch.task = tasks;
    const auto count = static_cast<std::int64_t>(samples.size());
    const at::Tensor ids = at::zeros({count, length}, at::kLong);
    const at::Tensor pools = at::zeros({count, length}, at::kFloat);
    for (std::int64_t b = 0; b < count; ++b) {
        const Sample& sample = samples[static_cast<std::size_t>(b)];
        requireSample(sample, length, vocabulary);
        const auto tokens = static_cast<std::int64_t>(sample.ids.size());
        batch.tokens += tokens;
        const float heaviest = *std::max_element(sample.weights.begin() + 1, sample.weights.end());
        for (std::int64_t t = 0; t < tokens; ++t) {
            const auto at = static_cast<std::size_t>(t);
            ids.mutable_data_ptr<std::int64_t>()[b * length + t] = sample.ids[at].value();
            if (t == 0 || sample.weights[at] == 0) continue;
            batch.rows.push_back(b * length + t - 1);
            batch.targets.push_back(sample.ids[at].value());
            batch.rowTask.push_back(tasks[static_cast<std::size_t>(b)]);
            batch.weights.push_back(sample.weights[at]);
            batch.heaviest.push_back(sample.weights[at] == heaviest ? 1 : 0);
        }
        fillPool(pools.mutable_data_ptr<float>() + b * length,
                 sample.promptTokens > 0 ? sample.promptTokens : tokens, pool);
    }
    if (batch.rows.empty())
        throw InputError("training data", "weights", "are 0 for every token of a batch",
                         "give the tokens that are to be learned a weight");
    setCoefficients(batch, mean);
    batch.ids = ids.to(device);
    batch.pool = pools.to(device);
    return batch;
}

Dealer::Dealer(std::vector<double> shares) : shares_(std::move(shares)), credits_(shares_.size(), 0.0) {
    double sum = 0;
    for (const double share : shares_) sum += share;
    for (double& share : shares_) share /= sum;
}

std::int32_t Dealer::next() {
    for (std::size_t i = 0; i < shares_.size(); ++i) credits_[i] += shares_[i];
    const auto best = std::max_element(credits_.begin(), credits_.end());
    *best -= 1;
    return static_cast<std::int32_t>(best - credits_.begin());
}

}  // namespace fluxscope::train
