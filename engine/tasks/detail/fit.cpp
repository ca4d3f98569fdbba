#include "engine/tasks/detail/fit.h"

#include "engine/contract/error.h"
#include "engine/tasks/detail/filler.h"

#include <algorithm>
#include <cmath>

namespace fluxscope::tasks {
namespace {

// A first text with the caller's guess, a second with the rate that the first had, and then on the line through the last two: that is
// enough most of the time. Where what a text is made of comes in pieces of many tokens, the best one that was too short gets a
// list of words, as long as is missing.
constexpr int kTries = 4;
constexpr int kTriesToShorten = 40;
constexpr int kTriesToExtend = 24;

struct Best {
    TaskSample sample;
    std::int64_t tokens = -1;
};

std::string textOf(const TaskSample& sample, TextForm form) {
    return form == TextForm::Prompt ? promptText(sample) : trainingText(sample).text;
}

// The sample with a list of words behind the document's first line, `bytes` long with its line's end.
TaskSample extended(TaskSample sample, std::int64_t bytes, std::uint64_t seed) {
    Random random(seed, "extension");
    const bool comment = sample.document.starts_with("//");
    std::string line = comment ? "// " : "";
    listSentence(line, std::max<std::int64_t>(3, bytes - 1 - static_cast<std::int64_t>(line.size())), random);
    line += '\n';
    const std::size_t firstEnd = sample.document.find('\n');
    const std::size_t at = firstEnd == std::string::npos ? 0 : firstEnd + 1;
    sample.document.insert(at, line);
    for (Question& question : sample.questions)
        for (ByteRange& range : question.evidence)
            if (range.begin >= static_cast<std::int64_t>(at)) {
                range.begin += static_cast<std::int64_t>(line.size());
                range.end += static_cast<std::int64_t>(line.size());
            }
    return sample;
}

class Fit {
public:
    Fit(const FitGoal& goal, const TokenCounter& counter,
        const std::function<TaskSample(std::int64_t)>& compose)
        : goal_(goal),
          counter_(counter),
          compose_(compose),
          least_(static_cast<std::int64_t>(std::ceil(double(goal.tokens) * 0.99))),
          aim_(double(goal.tokens) * 0.9955) {}

    TaskSample sample() {
        if (!straight()) extension();
        return std::move(best_.sample);
    }

private:
    // Counts it, keeps it when it is the best that is not too long, and says whether it is good.
    bool tried(TaskSample sample, std::int64_t bytes) {
        const std::string text = textOf(sample, goal_.form);
        bytes_ = bytes;
        size_ = static_cast<std::int64_t>(text.size());
        tokens_ = counter_.count(text);
        if (tokens_ <= goal_.tokens && tokens_ > best_.tokens)
            best_ = {.sample = std::move(sample), .tokens = tokens_};
        return tokens_ >= least_ && tokens_ <= goal_.tokens;
    }
    bool tooLong() const { return tokens_ > goal_.tokens; }
    void requireShorter() const {
        if (!tooLong() || bytes_ > 0) return;
        throw UsageError(goal_.task, "length",
                         "is " + std::to_string(goal_.tokens) + " tokens, but what has to be said takes " +
                             std::to_string(tokens_),
                         "ask for a longer one, or for less in it");
    }

    bool straight() {
        double rate = std::max(0.25, counter_.bytesPerToken);
        auto bytes = static_cast<std::int64_t>(aim_ * rate);
        for (int attempt = 0; attempt < kTries + kTriesToShorten; ++attempt) {
            if (attempt >= kTries && best_.tokens >= 0) return false;
            const std::int64_t bytesBefore = bytes_;
            const std::int64_t tokensBefore = tokens_;
            if (tried(compose_(bytes), bytes)) return true;
            requireShorter();
            if (tokens_ > 0) rate = double(size_) / double(tokens_);
            // Infinite, or no number, where the tokens stood still.
            const double line = double(bytes_ - bytesBefore) / double(tokens_ - tokensBefore);
            if (attempt > 0 && line > rate / 8 && line < rate * 8) rate = line;
            auto step = static_cast<std::int64_t>(std::llround((aim_ - double(tokens_)) * rate));
            // What has to be said may be longer than `bytes` already: then a few of them less change nothing.
            if (tooLong() && (attempt >= kTries || size_ > bytes_ + bytes_ / 4 + 64))
                step = std::min(step, -bytes_ / 3 - 1);
            bytes = std::max<std::int64_t>(0, bytes_ + step);
        }
        return false;
    }

    void extension() {
        if (best_.tokens < 0)
            throw UsageError(goal_.task, "length",
                             "is " + std::to_string(goal_.tokens) + " tokens, which could not be met",
                             "ask for a longer one");
        const TaskSample base = best_.sample;
        const double rate = std::max(0.25, counter_.bytesPerToken);
        auto bytes = static_cast<std::int64_t>((aim_ - double(best_.tokens)) * rate);
        for (int attempt = 0; attempt < kTriesToExtend; ++attempt) {
            bytes = std::max<std::int64_t>(4, bytes);
            if (tried(extended(base, bytes, goal_.seed + static_cast<std::uint64_t>(attempt)), bytes)) return;
            const auto step = static_cast<std::int64_t>(std::llround((aim_ - double(tokens_)) * rate));
            bytes += step != 0 ? step : tooLong() ? -1 : 1;
        }
    }

    const FitGoal& goal_;
    const TokenCounter& counter_;
    const std::function<TaskSample(std::int64_t)>& compose_;
    std::int64_t least_;
    double aim_;
    Best best_;
    // Of the last try.
    std::int64_t bytes_ = 0;
    std::int64_t size_ = 0;
    std::int64_t tokens_ = 0;
};

}  // namespace

TaskSample fitted(const FitGoal& goal, const TokenCounter& counter,
                  const std::function<TaskSample(std::int64_t bytes)>& compose) {
    return Fit(goal, counter, compose).sample();
}

}  // namespace fluxscope::tasks
