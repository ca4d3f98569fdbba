// RULER's two question answerings: short documents about people, numbered; one holds the answer, or two do together.
#include "engine/contract/error.h"
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"
#include "engine/tasks/detail/words.h"

#include <algorithm>
#include <cmath>

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    placeParameter("depth", kAnyPlace,
                   "where the document that is asked about stands: 0 at the beginning, 1 at the end"),
};

struct Person {
    std::string name;
    bool woman = false;
    std::string town;
    std::string trade;
    std::string thing;
    std::size_t friendOf = 0;  // another person's number
};

std::string documentText(std::size_t number, const Person& person, const Person& friendOf, Random& random) {
    const std::string_view she = person.woman ? "She" : "He";
    std::string text = "Document " + std::to_string(number + 1) + ": " + person.name + " is a " +
                       person.trade + " from " + person.town + ". ";
    std::string owns;
    withArticle(owns, person.thing);
    const std::string first = std::string(she) + " owns " + owns + ". ";
    const std::string second = std::string(she) + " is a friend of " + friendOf.name + ". ";
    text += random.oneIn(2) ? first + second : second + first;
    Prose prose{Random(random.next())};
    for (int i = 0; i < 2; ++i) {
        prose.sentence(text);
        text += i == 0 ? ' ' : '\n';
    }
    return text;
}

Person drawPerson(std::vector<std::uint32_t>& names, Random& random) {
    // A name is one number of women or men x first name x surname x initial; the list holds those that are left.
    const std::uint32_t name = names.back();
    names.pop_back();
    const auto firstNames = static_cast<std::uint32_t>(womenNames().size());
    const auto lastNames = static_cast<std::uint32_t>(surnames().size());
    Person person;
    person.woman = name % 2 == 0;
    const std::string_view first = (person.woman ? womenNames() : menNames())[name / 2 % firstNames];
    person.name = std::string(first) + ' ' + static_cast<char>('A' + name / 2 / firstNames / lastNames) +
                  ". " + std::string(surnames()[name / 2 / firstNames % lastNames]);
    person.town = random.of(towns());
    person.trade = random.of(trades());
    person.thing = std::string(random.of(adjectives())) + ' ' + std::string(random.of(nouns()));
    return person;
}

TaskSample compose(const Draft& draft, bool twoHops) {
    constexpr std::string_view kHead = "Answer from these documents and from nothing else.\n";
    constexpr std::int64_t kDocumentBytes = 210;
    Random random(draft.seed, "people");
    Random place(draft.seed, "place");
    const double depth = draft.place("depth", place);
    const std::size_t count =
        static_cast<std::size_t>(std::max<std::int64_t>(2, (draft.bytes - 150) / kDocumentBytes));

    const std::size_t names = std::size_t{2} * womenNames().size() * surnames().size() * 26;
    if (count > names)
        throw UsageError("tasks", "length", "is more than there are names for", "make it shorter");
    std::vector<std::uint32_t> left(names);
    for (std::size_t i = 0; i < names; ++i) left[i] = static_cast<std::uint32_t>(i);
    for (std::size_t i = 0; i < count; ++i) std::swap(left[names - 1 - i], left[random.below(names - i)]);
    std::vector<Person> people;
    for (std::size_t i = 0; i < count; ++i) people.push_back(drawPerson(left, random));
    for (std::size_t i = 0; i < count; ++i) people[i].friendOf = (i + 1 + random.below(count - 1)) % count;

    const auto asked = static_cast<std::size_t>(std::lround(depth * double(count - 1)));
    const Person& person = people[asked];
    const Person& about = twoHops ? people[person.friendOf] : person;
    const std::uint32_t kind = random.below(2);
    std::string question = kind == 0 ? "Which town is " : "What is the trade of ";
    question += twoHops ? "the friend of " + person.name : person.name;
    TaskSample sample{.scorer = Scorer::Contains};
    sample.questions.push_back({.text = questionText(question + (kind == 0 ? " from?" : "?")),
                                .answer = kind == 0 ? about.town : about.trade});

    const std::int64_t room = draft.documentBytes(sample.questions);
    std::string documents;
    std::vector<ByteRange> places;
    for (std::size_t i = 0; i < count; ++i) {
        const auto begin = static_cast<std::int64_t>(documents.size());
        documents += documentText(i, people[i], people[people[i].friendOf], random);
        places.push_back({begin, static_cast<std::int64_t>(documents.size())});
    }
    Prose prose(Random(draft.seed, "prose"));
    PlantedDocument document = plant(kHead, {{documents, 0}}, room, prose, draft.seed);
    sample.document = std::move(document.text);
    const std::int64_t begin = document.places.front().begin;
    for (const std::size_t i : twoHops ? std::vector{asked, person.friendOf} : std::vector{asked})
        sample.questions.front().evidence.push_back({begin + places[i].begin, begin + places[i].end});
    return sample;
}

constexpr std::array kTasks = {
    Generator{
        {"ruler:qa_1", "a question that one of many short documents answers", Scorer::Contains, kParameters},
        [](const Draft& draft) { return compose(draft, false); }},
    Generator{{"ruler:qa_2", "a question that two of many short documents answer together", Scorer::Contains,
               kParameters},
              [](const Draft& draft) { return compose(draft, true); }},
};

}  // namespace

std::span<const Generator> rulerQuestionTasks() { return kTasks; }

}  // namespace fluxscope::tasks
