// What a task's own file provides, and what all of them need.
#pragma once

#include "engine/tasks/random.h"
#include "engine/tasks/tasks.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fluxscope::tasks {

// What a sample is made of. `bytes` is how long the text should be in the form that was asked for; a generator comes close, so that
// more bytes are more tokens, and is free to be longer where what it has to say is.
struct Draft {
    const Parameters& parameters;
    TextForm form = TextForm::Prompt;
    std::uint64_t seed = 0;
    std::int64_t bytes = 0;

    std::int64_t whole(std::string_view name) const { return parameters.whole(name); }
    // Of a prompt only the first question is asked.
    std::int64_t queries() const { return form == TextForm::Prompt ? 1 : whole("queries"); }
    // A Place as given, or drawn.
    double place(std::string_view name, Random& random) const;
    // What the questions leave of `bytes`.
    std::int64_t documentBytes(const std::vector<Question>& questions) const;
};

struct Generator {
    TaskInfo info;
    TaskSample (*compose)(const Draft& draft) = nullptr;  // id and kind are for the caller to set
};

// "Question: TEXT\nAnswer:"
std::string questionText(std::string_view text);

// So many of 0 .. count-1 for questions: 0 first, then the others in any order, and from the beginning again where more are asked for.
std::vector<std::size_t> questionOrder(std::size_t count, std::int64_t queries, Random& random);

extern const Generator kArithmeticTask;
extern const Generator kCodeTask;
extern const Generator kDensityTask;
extern const Generator kFewShotTask;
extern const Generator kListOpsTask;
extern const Generator kNeedleTask;
extern const Generator kProseTask;
extern const Generator kTwoHopTask;
std::span<const Generator> rulerNeedleTasks();
std::span<const Generator> rulerQuestionTasks();
std::span<const Generator> rulerWordTasks();
extern const Generator kRulerVariableTask;

inline constexpr Parameter kQueries =
    wholeParameter("queries", 1, 1, 64, "questions in a training text; a prompt asks the first");

}  // namespace fluxscope::tasks
