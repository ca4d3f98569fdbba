#include "engine/tasks/sample.h"

#include <charconv>

namespace fluxscope::tasks {
namespace {

std::int64_t sizeOf(const std::string& text) { return static_cast<std::int64_t>(text.size()); }

bool readCount(std::string_view text, std::int64_t& value) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc{} && end == text.data() + text.size() && value >= 0;
}

}  // namespace

std::string promptText(const TaskSample& sample, std::size_t question) {
    if (sample.questions.empty()) return sample.document;
    return sample.document + sample.questions.at(question).text;
}

TrainingText trainingText(const TaskSample& sample) {
    TrainingText training{.text = sample.document, .answers = {}};
    for (const Question& question : sample.questions) {
        training.text += question.text;
        const std::int64_t begin = sizeOf(training.text);
        training.text += ' ' + question.answer + '\n';
        training.answers.push_back({begin, sizeOf(training.text)});
    }
    return training;
}

Prompt promptOf(const TaskSample& sample, PromptSplit split) {
    Prompt prompt{.id = sample.id, .kind = sample.kind, .split = split, .content = promptText(sample)};
    if (!sample.questions.empty()) {
        prompt.answer = sample.questions.front().answer;
        prompt.scorer = nameOf(sample.scorer);
    }
    return prompt;
}

std::string sampleId(const SampleName& name) {
    return name.kind + '@' + std::to_string(name.length) + '-' + std::to_string(name.number);
}

SampleName sampleName(std::string_view id) {
    const std::size_t at = id.rfind('@');
    const std::size_t dash = id.rfind('-');
    SampleName name;
    if (at == std::string_view::npos || dash == std::string_view::npos || dash < at ||
        !readCount(id.substr(at + 1, dash - at - 1), name.length) ||
        !readCount(id.substr(dash + 1), name.number))
        return {.kind = std::string(id)};
    name.kind = id.substr(0, at);
    return name;
}

}  // namespace fluxscope::tasks
