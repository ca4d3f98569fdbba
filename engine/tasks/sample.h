// One sample of a task: a document, questions about it, and where in the document the answers stand.
#pragma once

#include "engine/contract/byte_range.h"
#include "engine/contract/prompt_set.h"
#include "engine/tasks/scoring.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope::tasks {

struct Question {
    std::string text;    // as it follows the document, up to where the answer begins: no space at its end
    std::string answer;  // without the space before it and the newline after it
    std::vector<ByteRange> evidence;  // in the document: what has to be looked up for this answer
};

struct TaskSample {
    std::string id;    // "needle@2048-7": kind, tokens asked for, number
    std::string kind;  // the task as it was asked for, "needle:facts=8"
    Scorer scorer = Scorer::None;
    std::string document;
    std::vector<Question> questions;  // empty: text to go on with, nothing is asked
};

// A text to learn from: the document, then every question with its answer.
struct TrainingText {
    std::string text;
    // Of each answer, from the space before it to the newline after it: a model must learn to stop, too.
    std::vector<ByteRange> answers;
};

// The document and one question; what a model generates from here on is scored.
std::string promptText(const TaskSample& sample, std::size_t question = 0);
TrainingText trainingText(const TaskSample& sample);

// The first question as a line of a prompt set.
Prompt promptOf(const TaskSample& sample, PromptSplit split);

// What "needle@2048-7" says. Of an id that is not of this form, kind is the id and length 0.
struct SampleName {
    std::string kind;
    std::int64_t length = 0;
    std::int64_t number = 0;
};
std::string sampleId(const SampleName& name);
SampleName sampleName(std::string_view id);

}  // namespace fluxscope::tasks
