// RULER's variable tracking: assignments strewn in noise; which variables have the value that the chain began with?
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"

#include <algorithm>
#include <set>

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    wholeParameter("hops", 4, 1, 16, "assignments from variable to variable in a chain"),
    wholeParameter("chains", 1, 1, 16, "of variables; the first is asked for"),
};

std::string drawVariable(std::set<std::string>& taken, Random& random) {
    while (true) {
        std::string name;
        for (int i = 0; i < 5; ++i) name += static_cast<char>('A' + random.below(26));
        if (taken.insert(name).second) return name;
    }
}

TaskSample compose(const Draft& draft) {
    Random random(draft.seed, "facts");
    const std::int64_t hops = draft.whole("hops");
    const std::int64_t chains = draft.whole("chains");
    std::set<std::string> variables;
    std::set<std::string> values;
    std::vector<Planted> planted;
    Question question;
    for (std::int64_t chain = 0; chain < chains; ++chain) {
        std::string value = drawNumber(random, 5);
        while (!values.insert(value).second) value = drawNumber(random, 5);
        std::vector<double> depths;
        for (std::int64_t i = 0; i <= hops; ++i) depths.push_back(random.unit());
        std::sort(depths.begin(), depths.end());  // a variable is assigned before it is used
        std::string last = value;
        for (std::int64_t i = 0; i <= hops; ++i) {
            const std::string name = drawVariable(variables, random);
            std::string fact = "VAR " + name + " = ";
            fact += (i == 0 ? "" : "VAR ") + last + ".";
            planted.push_back({std::move(fact), depths[static_cast<std::size_t>(i)]});
            if (chain == 0) question.answer += (i == 0 ? "" : ", ") + name;
            last = name;
        }
        if (chain == 0)
            question.text = questionText("Which " + std::to_string(hops + 1) + " variables have the value " +
                                         value + "?");
    }
    TaskSample sample{.scorer = Scorer::All};
    sample.questions.push_back(std::move(question));
    RepeatedFiller filler(draft.seed);
    PlantedDocument document = plant("Variables are assigned in this text. Keep track of their values.\n",
                                     planted, draft.documentBytes(sample.questions), filler, draft.seed);
    sample.document = std::move(document.text);
    sample.questions.front().evidence.assign(document.places.begin(), document.places.begin() + hops + 1);
    return sample;
}

}  // namespace

const Generator kRulerVariableTask{
    {"ruler:vt", "all variables of a chain of assignments in noise", Scorer::All, kParameters}, compose};

}  // namespace fluxscope::tasks
