#include "app/serve/detail/evaluation_questions.h"

#include "engine/contract/error.h"
#include "engine/tasks/random.h"

#include <algorithm>

namespace fluxscope {
namespace {

// A model may spell an answer in more tokens than the tokenizer does, or say a word before it. In a chat it says more.
constexpr std::int32_t kSpareTokens = 8;
constexpr std::int32_t kSpareTokensOfChat = 64;
constexpr std::int32_t kTokensWithoutAnswer = 32;

constexpr std::int64_t kMeasuredSamples = 4;

// Everything that makes it this question.
std::uint64_t hashOf(const Prompt& prompt) {
    PromptSet one;
    one.prompts = {prompt};
    return tasks::Random::hashOf(toJsonl(one));
}

bool isChat(const Prompt& prompt) { return std::holds_alternative<std::vector<ChatMessage>>(prompt.content); }

}  // namespace

EvaluationQuestions::EvaluationQuestions(const EvaluationRequest& request, const std::filesystem::path& model)
    : codec_(model), counter_(tokenCounter(codec_)), context_(inspectModel(model).context) {
    if (request.promptFile.empty())
        addTasks(request);
    else
        addPromptSet(request);
}

void EvaluationQuestions::addTasks(const EvaluationRequest& request) {
    for (tasks::TaskSpec spec : request.tasks) {
        const auto info = std::ranges::find(tasks::allTasks(), spec.name, &tasks::TaskInfo::name);
        spec.seed = request.seed;
        for (const std::int64_t length : request.lengths) {
            spec.length = length;
            if (length > context_)  // said before so long a text is made
                throw UsageError("--length", "",
                                 "is " + std::to_string(length) + ", and the model's context holds " +
                                     std::to_string(context_),
                                 "ask for less");
            EvaluationCell cell{.task = tasks::shortForm(spec),
                                .split = {},
                                .length = length,
                                .scorer = std::string(tasks::nameOf(info->scorer)),
                                .questions = {}};
            for (std::int64_t number = 0; number < request.samples; ++number)
                cell.questions.push_back({.number = number, .seed = request.seed});
            cells_.push_back(std::move(cell));
            specs_.push_back(spec);
            requireFits(question(cells_.size() - 1, 0), length, "--length");
        }
    }
}

void EvaluationQuestions::addPromptSet(const EvaluationRequest& request) {
    const std::string file = request.promptFile.string();
    const PromptSet set = readPromptSet(request.promptFile);
    std::int64_t number = -1;
    for (const Prompt& prompt : set.prompts) {
        ++number;
        tasks::scorerFrom(prompt.scorer, file);
        const bool isAsked = (!prompt.scorer.empty() || request.fidelity) &&
                             (!request.split || prompt.split == *request.split);
        if (!isAsked) continue;
        if (!prompt.scorer.empty() && prompt.answer.empty())
            throw InputError(file, "'" + printable(prompt.id) + "'", "has a scorer and no answer",
                             "give the answer, or leave the scorer out");
        const std::string split(prompt.split == PromptSplit::Unsplit ? "" : nameOf(prompt.split));
        auto cell = std::ranges::find_if(cells_, [&](const EvaluationCell& c) {
            return c.task == prompt.kind && c.split == split && c.scorer == prompt.scorer;
        });
        if (cell == cells_.end()) {
            cell = cells_.insert(
                cell, {.task = prompt.kind, .split = split, .scorer = prompt.scorer, .questions = {}});
            prompts_.emplace_back();
        }
        cell->questions.push_back({.number = number, .seed = hashOf(prompt)});
        if (const auto* text = std::get_if<std::string>(&prompt.content))
            requireFits(asked(prompt), counter_.count(*text), file + ": '" + printable(prompt.id) + "'");
        prompts_[static_cast<std::size_t>(cell - cells_.begin())].push_back(prompt);
    }
    if (cells_.empty())
        throw InputError(
            file, "",
            request.split ? "has no prompt with a scorer in that split" : "has no prompt with a scorer",
            "make one with 'fluxscope-cli tasks generate', or compare without one (--fidelity)");
}

void EvaluationQuestions::requireFits(const AskedQuestion& question, std::int64_t tokens,
                                      const std::string& where) const {
    const std::int64_t most = question.prompt.scorer == kLikelihoodScorer
                                  ? static_cast<std::int64_t>(question.answer.size())
                                  : question.mostNew;
    const std::int64_t needed = tokens + most - 1;  // the last token said takes no position
    if (needed > context_)
        throw UsageError(where, "",
                         "takes " + std::to_string(needed) + " positions with the answer to '" +
                             printable(question.prompt.id) + "', and the model's context holds " +
                             std::to_string(context_),
                         "ask for less");
}

Prompt EvaluationQuestions::sampleOf(std::size_t cell, std::int64_t number) const {
    tasks::TaskSpec spec = specs_[cell];
    spec.number = number;
    return promptOf(tasks::generate(spec, counter_), PromptSplit::Unsplit);
}

AskedQuestion EvaluationQuestions::asked(Prompt prompt) const {
    AskedQuestion question{.prompt = std::move(prompt), .answer = {}};
    const Prompt& p = question.prompt;
    if (p.answer.empty()) {
        question.mostNew = kTokensWithoutAnswer;
        return question;
    }
    question.answer = answerIds(codec_, p.answer);
    question.mostNew = static_cast<std::int32_t>(codec_.encode(' ' + p.answer + '\n', false).ids.size()) +
                       (isChat(p) ? kSpareTokensOfChat : kSpareTokens);
    question.endsAtNewline = !isChat(p) && p.answer.find('\n') == std::string::npos;
    return question;
}

AskedQuestion EvaluationQuestions::question(std::size_t cell, std::size_t question) const {
    if (!prompts_.empty()) return asked(prompts_[cell][question]);
    return asked(sampleOf(cell, cells_[cell].questions[question].number));
}

std::vector<Prompt> EvaluationQuestions::measuredOn(std::size_t cell) const {
    std::vector<Prompt> prompts;
    if (prompts_.empty())
        for (std::int64_t number = 0; number < kMeasuredSamples; ++number)
            prompts.push_back(sampleOf(cell, number));
    else
        for (std::size_t i = 0; i < prompts_[cell].size() && std::ssize(prompts) < kMeasuredSamples; ++i)
            prompts.push_back(prompts_[cell][i]);
    return prompts;
}

}  // namespace fluxscope
