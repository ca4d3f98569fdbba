// two-hop: chained variables. Who follows whom stands in one sentence, the code of the last one in another, and a chain has to be
// walked to the end. The answer names everyone on the way: a model that names the next one only has to take one step at a time.
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"

#include <algorithm>

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    wholeParameter("hops", 2, 1, 8, "facts to look up, the code included"),
    wholeParameter("chains", 4, 1, 32, "chains that can be asked for"),
    choiceParameter("order", {"any", "forward", "backward"}, "of a chain's facts in the text"),
    choiceParameter("way", {"told", "silent"},
                    "whether the answer names everyone on the way or the code alone"),
    wholeParameter("digits", 4, 1, 12, "digits of a code"),
    kQueries,
};

struct Chain {
    std::vector<Key> keys;
    std::string code;
    std::vector<std::size_t> facts;  // places among what is planted
};

TaskSample compose(const Draft& draft) {
    Random random(draft.seed, "facts");
    const auto hops = static_cast<std::size_t>(draft.whole("hops"));
    std::vector<Chain> chains(static_cast<std::size_t>(draft.whole("chains")));
    Keys names(random, std::int64_t(hops * chains.size()));
    std::vector<Planted> planted;
    for (Chain& chain : chains) {
        for (std::size_t hop = 0; hop < hops; ++hop) chain.keys.push_back(names.draw());
        chain.code = drawNumber(random, draft.whole("digits"));
        std::vector<double> depths;
        for (std::size_t hop = 0; hop < hops; ++hop) depths.push_back(random.unit());
        if (!draft.parameters.isWord("order", "any")) std::sort(depths.begin(), depths.end());
        if (draft.parameters.isWord("order", "backward")) std::reverse(depths.begin(), depths.end());
        for (std::size_t hop = 0; hop < hops; ++hop) {
            std::string fact = "The " + chain.keys[hop].joined(' ');
            fact += hop + 1 < hops ? " follows the " + chain.keys[hop + 1].joined(' ') + "."
                                   : " has the code " + chain.code + ".";
            chain.facts.push_back(planted.size());
            planted.push_back({std::move(fact), depths[hop]});
        }
    }

    const bool told = draft.parameters.isWord("way", "told");
    TaskSample sample{.scorer = Scorer::Contains};
    const std::vector<std::size_t> asked = questionOrder(chains.size(), draft.queries(), random);
    for (const std::size_t i : asked) {
        const Chain& chain = chains[i];
        Question question;
        question.text = questionText(
            "Start at the " + chain.keys.front().joined(' ') +
            (told ? " and name all that follow. Which code is last?" : ". Which code is at the end?"));
        for (std::size_t hop = 1; told && hop < hops; ++hop)
            question.answer += chain.keys[hop].joined(' ') + ", ";
        question.answer += chain.code;
        sample.questions.push_back(std::move(question));
    }
    Prose prose(Random(draft.seed, "prose"));
    PlantedDocument document = plant("This text says who follows whom, and who has which code.\n", planted,
                                     draft.documentBytes(sample.questions), prose, draft.seed);
    sample.document = std::move(document.text);
    for (std::size_t q = 0; q < asked.size(); ++q)
        for (const std::size_t fact : chains[asked[q]].facts)
            sample.questions[q].evidence.push_back(document.places[fact]);
    return sample;
}

}  // namespace

const Generator kTwoHopTask{
    {"two-hop", "chains of who follows whom, walked to the code at the end", Scorer::Contains, kParameters},
    compose};

}  // namespace fluxscope::tasks
