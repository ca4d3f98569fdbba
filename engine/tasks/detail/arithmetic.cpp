// arithmetic: counters that gain, lose and are multiplied, modulo a number.
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    wholeParameter("steps", 4, 1, 64, "changes of a counter after its start"),
    wholeParameter("modulus", 20, 2, 10000, "results are taken modulo this"),
    choiceParameter("operations", {"add", "add-lose", "all"}, "additions; losses too; multiplications too"),
    choiceParameter("work", {"shown", "silent"},
                    "whether the answer lists every value of the counter or the last one"),
    wholeParameter("counters", 1, 1, 16, "counters that can be asked for"),
    placeParameter("depth", 1, "where the first counter's changes begin: 0 at the beginning, 1 at the end"),
    shareParameter("spread", 0,
                   "the share of the text over which a counter's changes are strewn; 0 is side by side"),
    kQueries,
};

struct Counter {
    Key key;
    std::vector<std::int64_t> values;  // the start's, then after every change
    std::vector<std::size_t> facts;
};

std::string change(std::string_view operations, std::int64_t modulus, Random& random, std::int64_t& value) {
    const std::uint64_t kinds = operations == "add" ? 1 : operations == "add-lose" ? 2 : 3;
    const std::uint32_t kind = random.below(kinds);
    const std::int64_t by = random.between(kind == 2 ? 2 : 1, kind == 2 ? 9 : modulus - 1);
    if (kind == 0) value += by;
    if (kind == 1) value += modulus - by;
    if (kind == 2) value *= by;
    value %= modulus;
    if (kind == 2) return " grows " + std::to_string(by) + " times.";
    return (kind == 0 ? " gains " : " loses ") + std::to_string(by) + ".";
}

TaskSample compose(const Draft& draft) {
    Random random(draft.seed, "facts");
    const std::int64_t modulus = draft.whole("modulus");
    const double spread = draft.parameters.number("spread");
    const std::int64_t steps = draft.whole("steps");
    std::vector<Counter> counters(static_cast<std::size_t>(draft.whole("counters")));
    Keys names(random, std::int64_t(counters.size()));
    std::vector<Planted> planted;
    for (Counter& counter : counters) {
        counter.key = names.draw();
        const std::string name = "The " + counter.key.joined(' ');
        const double begin = draft.place("depth", random) * (1 - spread);
        std::int64_t value = random.below(static_cast<std::uint64_t>(modulus));
        for (std::int64_t step = 0; step <= steps; ++step) {
            const std::string fact =
                step == 0 ? " starts at " + std::to_string(value) + "."
                          : change(draft.parameters.word("operations"), modulus, random, value);
            counter.values.push_back(value);
            counter.facts.push_back(planted.size());
            planted.push_back({name + fact, begin + spread * double(step) / double(steps)});
        }
    }

    const bool shown = draft.parameters.isWord("work", "shown");
    TaskSample sample{.scorer = shown ? Scorer::Contains : Scorer::Numeric};
    const std::vector<std::size_t> asked = questionOrder(counters.size(), draft.queries(), random);
    for (const std::size_t i : asked) {
        const Counter& counter = counters[i];
        Question question;
        question.text =
            questionText((shown ? "What does the counter of the " : "What is the last value of the ") +
                         counter.key.joined(' ') + (shown ? " show, from its start to its end?" : "?"));
        for (std::size_t step = 0; shown && step + 1 < counter.values.size(); ++step)
            question.answer += std::to_string(counter.values[step]) + ", ";
        question.answer += std::to_string(counter.values.back());
        sample.questions.push_back(std::move(question));
    }
    Prose prose(Random(draft.seed, "prose"));
    PlantedDocument document =
        plant("Counters start, gain, lose and grow. All is modulo " + std::to_string(modulus) + ".\n",
              planted, draft.documentBytes(sample.questions), prose, draft.seed);
    sample.document = std::move(document.text);
    for (std::size_t q = 0; q < asked.size(); ++q)
        for (const std::size_t fact : counters[asked[q]].facts)
            sample.questions[q].evidence.push_back(document.places[fact]);
    return sample;
}

}  // namespace

const Generator kArithmeticTask{
    {"arithmetic", "counters that gain and lose, modulo a number", Scorer::Contains, kParameters}, compose};

}  // namespace fluxscope::tasks
