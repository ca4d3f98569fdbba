#include "engine/train/watch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace fluxscope::train {
namespace {

constexpr double kOneWay = 0.02;         // nearer to 0 or 1 than this is all one way
constexpr double kTargetBetween = 0.10;  // and a target further from both than this wanted something else
constexpr double kAlike = 0.03;
constexpr double kTargetsApart = 0.20;
constexpr std::size_t kCompared = 4;
constexpr double kSuffers = 0.05;

std::string share(double value) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.2f", value);
    return text.data();
}

}  // namespace

double Watch::Seen::mean() const {
    return std::accumulate(last.begin(), last.end(), 0.0) / static_cast<double>(last.size());
}

Watch::Watch(std::vector<WatchedTask> tasks, std::int64_t window)
    : tasks_(std::move(tasks)), window_(window), seen_(tasks_.size()) {}

std::vector<std::string> Watch::look(const std::vector<double>& sparsity) {
    std::vector<std::string> said;
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
        Seen& seen = seen_[i];
        if (std::isnan(sparsity[i])) continue;
        if (full(seen)) seen.last.erase(seen.last.begin());
        seen.last.push_back(sparsity[i]);
        if (seen.collapsed || !full(seen)) continue;
        const double mean = seen.mean();
        const double target = tasks_[i].target;
        const bool sparse = mean > 1 - kOneWay;
        if ((!sparse && mean >= kOneWay) || target < kTargetBetween || target > 1 - kTargetBetween) continue;
        seen.collapsed = true;
        said.push_back("task " + tasks_[i].name + " has become " + (sparse ? "sparse" : "full") +
                       " in every layer, and its target is " + share(target) + " sparse");
    }
    if (alike_ || tasks_.size() < 2) return said;
    const auto [least, most] =
        std::minmax_element(tasks_.begin(), tasks_.end(),
                            [](const WatchedTask& a, const WatchedTask& b) { return a.target < b.target; });
    const Seen& low = seen_[static_cast<std::size_t>(least - tasks_.begin())];
    const Seen& high = seen_[static_cast<std::size_t>(most - tasks_.begin())];
    if (!full(low) || !full(high) || most->target - least->target < kTargetsApart) return said;
    if (std::abs(high.mean() - low.mean()) < kAlike) {
        alike_ = true;
        said.push_back("tasks " + least->name + " and " + most->name + " are routed alike, " +
                       share(low.mean()) + " sparse, and their targets are " + share(least->target) +
                       " and " + share(most->target));
    }
    return said;
}

std::vector<std::string> Watch::compare(const std::vector<double>& routed, const std::vector<double>& full) {
    std::vector<std::string> said;
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
        Seen& seen = seen_[i];
        if (seen.suffers || std::isnan(routed[i]) || std::isnan(full[i])) continue;
        if (seen.compared.size() == kCompared) seen.compared.erase(seen.compared.begin());
        seen.compared.push_back({routed[i], full[i]});
        if (seen.compared.size() < kCompared) continue;
        std::array<double, 2> mean{};
        for (const auto& [asRouted, whenFull] : seen.compared) {
            mean[0] += asRouted / kCompared;
            mean[1] += whenFull / kCompared;
        }
        if (mean[1] - mean[0] <= kSuffers) continue;
        seen.suffers = true;
        said.push_back("task " + tasks_[i].name + " has " + share(mean[0]) +
                       " of its answers' tokens right as it is routed and " + share(mean[1]) +
                       " with all layers full: its target of " + share(tasks_[i].target) +
                       " sparse may be more than the model bears");
    }
    return said;
}

}  // namespace fluxscope::train
