// needle: facts of one form hidden in prose; questions ask for some of them.
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    wholeParameter("facts", 4, 1, 64, "facts that can be asked for"),
    wholeParameter("distractors", 0, 0, 256,
                   "facts beside them whose name shares a word with one that can be asked for"),
    placeParameter("depth", kAnyPlace,
                   "where the fact of the first question stands: 0 at the beginning, 1 at the end"),
    wholeParameter("digits", 4, 1, 12, "digits of a code"),
    kQueries,
};

std::string factOf(const Key& key, const std::string& code) {
    return "The code of the " + key.joined(' ') + " is " + code + ".";
}

TaskSample compose(const Draft& draft) {
    Random random(draft.seed, "facts");
    const auto facts = static_cast<std::size_t>(draft.whole("facts"));
    const auto distractors = static_cast<std::size_t>(draft.whole("distractors"));
    Keys names(random, std::int64_t(facts + distractors));
    std::vector<Key> keys;
    std::vector<std::string> codes;
    std::vector<Planted> planted;
    for (std::size_t i = 0; i < facts + distractors; ++i) {
        keys.push_back(i < facts ? names.draw() : names.drawLike(keys[i % facts]));
        codes.push_back(drawNumber(random, draft.whole("digits")));
        planted.push_back({factOf(keys[i], codes[i]), i == 0 ? draft.place("depth", random) : random.unit()});
    }

    TaskSample sample{.scorer = Scorer::Contains};
    const std::vector<std::size_t> asked = questionOrder(facts, draft.queries(), random);
    for (const std::size_t i : asked)
        sample.questions.push_back(
            {.text = questionText("What is the code of the " + keys[i].joined(' ') + "?"),
             .answer = codes[i]});
    Prose prose(Random(draft.seed, "prose"));
    PlantedDocument document = plant("Some codes are hidden in this text. Remember them.\n", planted,
                                     draft.documentBytes(sample.questions), prose, draft.seed);
    sample.document = std::move(document.text);
    for (std::size_t q = 0; q < asked.size(); ++q) sample.questions[q].evidence = {document.places[asked[q]]};
    return sample;
}

}  // namespace

const Generator kNeedleTask{
    {"needle", "codes hidden in prose, asked for by name", Scorer::Contains, kParameters}, compose};

}  // namespace fluxscope::tasks
