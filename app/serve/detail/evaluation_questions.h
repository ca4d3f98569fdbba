// The questions of an evaluation: made from tasks when they are asked, or read from a prompt set.
#pragma once

#include "app/serve/evaluate.h"
#include "app/serve/task_samples.h"

#include <vector>

namespace fluxscope {

// One question to the engine.
struct AskedQuestion {
    Prompt prompt;
    std::vector<TokenId> answer;  // in tokens; empty: none
    std::int32_t mostNew = 0;     // tokens that its answer may take
    bool endsAtNewline = false;
};

class EvaluationQuestions {
public:
    // Throws UsageError and InputError where a question cannot be made or is too long for the model's context.
    EvaluationQuestions(const EvaluationRequest& request, const std::filesystem::path& model);

    const std::vector<EvaluationCell>& cells() const { return cells_; }
    AskedQuestion question(std::size_t cell, std::size_t question) const;
    // What a policy measures its scores on: the same prompts however many samples are asked for.
    std::vector<Prompt> measuredOn(std::size_t cell) const;

private:
    void addTasks(const EvaluationRequest& request);
    void addPromptSet(const EvaluationRequest& request);
    AskedQuestion asked(Prompt prompt) const;
    Prompt sampleOf(std::size_t cell, std::int64_t number) const;
    void requireFits(const AskedQuestion& question, std::int64_t tokens, const std::string& where) const;

    TextCodec codec_;
    tasks::TokenCounter counter_;
    std::int64_t context_ = 0;
    std::vector<EvaluationCell> cells_;
    std::vector<tasks::TaskSpec> specs_;        // of tasks, by cell
    std::vector<std::vector<Prompt>> prompts_;  // of a prompt set, by cell and question
};

}  // namespace fluxscope
