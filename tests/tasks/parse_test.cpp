#include "engine/contract/error.h"
#include "tests/tasks/counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxscope::tasks {
namespace {

using testing::HasSubstr;

std::string refusalOf(std::string_view text) {
    try {
        parseTask(text, "--task");
    } catch (const UsageError& error) {
        return error.what();
    }
    return "accepted";
}

TEST(ParseTask, readsNamesAndParameters) {
    const TaskSpec plain = parseTask("needle", "--task");
    EXPECT_EQ(plain.parameters.whole("facts"), 4);
    EXPECT_EQ(plain.parameters.number("depth"), kAnyPlace);

    const TaskSpec given = parseTask("needle:depth=0.5,facts=8", "--task");
    EXPECT_EQ(given.parameters.whole("facts"), 8);
    EXPECT_EQ(given.parameters.number("depth"), 0.5);
    EXPECT_EQ(shortForm(given), "needle:facts=8,depth=0.5");

    EXPECT_EQ(parseTask("ruler:vt,hops=2", "--task").parameters.whole("hops"), 2);
    EXPECT_EQ(parseTask("ruler:vt:hops=2", "--task").name, "ruler:vt");
    EXPECT_EQ(parseTask("two-hop:order=backward", "--task").parameters.word("order"), "backward");
}

TEST(ParseTask, refusesInOneSentence) {
    EXPECT_EQ(refusalOf("haystack"),
              "--task: 'haystack' is not a task; use needle, two-hop, arithmetic, listops, few-shot, "
              "density, code, prose or "
              "ruler:NAME");
    EXPECT_THAT(refusalOf("ruler"), HasSubstr("'ruler' is not a task"));
    EXPECT_THAT(refusalOf("ruler:niah"), HasSubstr("'ruler:niah' is not a task"));
    EXPECT_EQ(refusalOf("needle:facts=65"), "--task: facts is '65'; it takes a whole number from 1 to 64");
    EXPECT_THAT(refusalOf("needle:facts=2.5"), HasSubstr("facts is '2.5'"));
    EXPECT_THAT(refusalOf("needle:facts="), HasSubstr("facts is ''"));
    EXPECT_THAT(refusalOf("needle:facts=4x"), HasSubstr("facts is '4x'"));
    EXPECT_THAT(refusalOf("needle:facts=nan"), HasSubstr("facts is 'nan'"));
    EXPECT_EQ(refusalOf("needle:depth=1.5"), "--task: depth is '1.5'; it takes a number from 0 to 1, or any");
    EXPECT_THAT(refusalOf("needle:depth=-1"), HasSubstr("depth is '-1'"));
    EXPECT_EQ(refusalOf("two-hop:order=random"),
              "--task: order is 'random'; it takes any, forward or backward");
    EXPECT_EQ(
        refusalOf("needle:deep=1"),
        "--task: has an unknown parameter 'deep'; this task has facts, distractors, depth, digits, queries");
    EXPECT_EQ(refusalOf("needle:depth"),
              "--task: 'depth' is not NAME=VALUE; write a task as needle:depth=0.5,facts=4");
    EXPECT_THAT(refusalOf("needle:"), HasSubstr("'' is not NAME=VALUE"));
    EXPECT_EQ(refusalOf("needle:facts=1,facts=2"), "--task: facts is given twice; give it once");
}

TEST(ParseTask, everyTaskSaysWhatItIs) {
    EXPECT_EQ(allTasks().size(), 21U) << "eight of ours and RULER's thirteen";
    for (const TaskInfo& info : allTasks()) {
        EXPECT_FALSE(info.description.empty()) << info.name;
        EXPECT_NE(info.scorer, Scorer::None) << info.name;
        EXPECT_EQ(shortForm(parseTask(info.name, "--task")), info.name);
        for (const Parameter& parameter : info.parameters) {
            EXPECT_FALSE(parameter.meaning.empty()) << info.name << " " << parameter.name;
            TaskSpec spec = parseTask(info.name, "--task");
            spec.parameters.set(parameter.name, textOf(parameter, parameter.byDefault), "--task");
            EXPECT_EQ(shortForm(spec), info.name)
                << "the default of " << parameter.name << " is a value of it";
        }
    }
}

}  // namespace
}  // namespace fluxscope::tasks
