// Tasks: text to ask a model about, made from a seed, a length in tokens and a difficulty. DESIGN section 6 has the names,
// docs/tasks.md an example of each.
//
// This room knows engine/contract and nothing else. It reaches a length in tokens through a function of the caller's that counts
// the tokens of a text; the same task, length, form, seed and counter give the same bytes on every machine.
#pragma once

#include "engine/tasks/parameters.h"
#include "engine/tasks/sample.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace fluxscope::tasks {

// How many tokens a model sees of a text, with whatever it puts around it.
struct TokenCounter {
    std::function<std::int64_t(std::string_view)> count;
    double bytesPerToken = 4;  // a first guess: the better it is, the fewer texts have to be counted
};

// The counter with the guess that English-like text of ours gives.
TokenCounter calibrated(std::function<std::int64_t(std::string_view)> count);

// What the length is that of.
enum class TextForm : std::uint8_t {
    Prompt,   // promptText of the first question
    Training  // trainingText
};

struct TaskSpec {
    std::string name;  // "needle", "ruler:vt"
    Parameters parameters;
    std::int64_t length = 2048;  // in tokens
    std::uint64_t seed = 0;
    std::int64_t number = 0;  // of the sample: each is drawn anew, and none depends on another
    TextForm form = TextForm::Prompt;
};

struct TaskInfo {
    std::string_view name;
    std::string_view description;  // one line
    Scorer scorer = Scorer::None;
    std::span<const Parameter> parameters;
};

// All of them, in the order of docs/tasks.md.
std::span<const TaskInfo> allTasks();

// "needle", "needle:depth=0.5,facts=4", "ruler:vt,hops=2". Throws UsageError naming `where`.
TaskSpec parseTask(std::string_view text, const std::string& where);
// The same text again, with the parameters that are not at their default.
std::string shortForm(const TaskSpec& spec);

// At most `length` tokens and at least 99 % of them. Where 1 % is less than a token, as near below as a few tries come.
// Throws UsageError where what has to be said does not fit into the length.
TaskSample generate(const TaskSpec& spec, const TokenCounter& counter);

}  // namespace fluxscope::tasks
