// Looks over a router training while it runs and says what goes wrong, each thing once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope::train {

// One task's part in the steps that are looked at.
struct WatchedTask {
    std::string name;
    double target = 1;  // share of sparse layers
};

class Watch {
public:
    // Looks at the means of `window` steps.
    explicit Watch(std::vector<WatchedTask> tasks, std::int64_t window = 50);

    // `sparsity`: of each task in this step, NaN where the step had none of it. What there is to say now, whole sentences:
    //   a task takes one way in every layer although its target lies between
    //   tasks with different targets are routed alike: the mixture of tasks is not balanced, or they cannot be told apart
    std::vector<std::string> look(const std::vector<double>& sparsity);

    // Of the same prompts: the share of each task's answers that was foretold as they were routed, and with all layers full.
    //   a task's answers suffer from its target: it is tighter than the backbone bears
    std::vector<std::string> compare(const std::vector<double>& routed, const std::vector<double>& full);

private:
    struct Seen {
        std::vector<double> last;                     // at most `window`
        bool collapsed = false;                       // said already
        std::vector<std::array<double, 2>> compared;  // the last few: routed, full
        bool suffers = false;                         // said already

        double mean() const;
    };

    bool full(const Seen& seen) const { return static_cast<std::int64_t>(seen.last.size()) == window_; }

    std::vector<WatchedTask> tasks_;
    std::int64_t window_;
    std::vector<Seen> seen_;
    bool alike_ = false;
};

}  // namespace fluxscope::train
