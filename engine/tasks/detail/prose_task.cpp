// prose: plain text to go on with. A prompt's answer is how it goes on, to be forced and judged by its likelihood; a training
// text has no questions.
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/prose.h"

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    wholeParameter("sentences", 3, 1, 64, "of the continuation that a prompt is judged by"),
};

TaskSample compose(const Draft& draft) {
    TaskSample sample{.scorer = Scorer::Likelihood};
    Prose prose(Random(draft.seed, "prose"));
    FillerWriter(sample.document, draft.bytes, prose, draft.seed).finish();
    if (draft.form == TextForm::Training) return sample;
    Question question;
    for (std::int64_t i = 0; i < draft.whole("sentences"); ++i) {
        separate(question.answer);
        prose.sentence(question.answer);
    }
    sample.questions.push_back(std::move(question));
    return sample;
}

}  // namespace

const Generator kProseTask{
    {"prose", "plain text, judged by the likelihood of how it goes on", Scorer::Likelihood, kParameters},
    compose};

}  // namespace fluxscope::tasks
