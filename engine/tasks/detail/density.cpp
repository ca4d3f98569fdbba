// density: a stretch of prose that says nothing beside a table in which every line counts.
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"
#include "engine/tasks/detail/words.h"

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    shareParameter("share", 0.25, "of the text that the table takes"),
    placeParameter("depth", kAnyPlace, "where the table stands: 0 at the beginning, 1 at the end"),
    kQueries,
};

struct Row {
    Key key;
    std::string town;
    std::string trade;
    std::string code;
    ByteRange place;  // in the table

    std::string text() const { return key.joined(' ') + " | " + town + " | " + trade + " | " + code + "\n"; }
};

Row drawRow(Keys& names, Random& random) {
    return {.key = names.draw(),
            .town = std::string(random.of(towns())),
            .trade = std::string(random.of(trades())),
            .code = drawNumber(random, 4),
            .place = {}};
}

TaskSample compose(const Draft& draft) {
    constexpr std::string_view kHead = "Somewhere in this text is a table. Look up what is asked for.\n";
    Random random(draft.seed, "table");
    Random places(draft.seed, "place");
    const double share = draft.parameters.number("share");
    Keys names(random, static_cast<std::int64_t>(share * double(draft.bytes) / 24));
    const auto room = static_cast<std::int64_t>(share * double(draft.bytes));
    std::string table = "name | town | trade | code\n";
    std::vector<Row> rows;
    while (rows.empty() || static_cast<std::int64_t>(table.size()) + 36 < room) {
        Row row = drawRow(names, random);
        row.place.begin = static_cast<std::int64_t>(table.size());
        table += row.text();
        row.place.end = static_cast<std::int64_t>(table.size());
        rows.push_back(std::move(row));
    }

    TaskSample sample{.scorer = Scorer::Contains};
    Random questions(draft.seed, "questions");
    std::vector<std::size_t> asked;
    for (std::int64_t q = 0; q < draft.queries(); ++q) {
        asked.push_back(questions.below(rows.size()));
        const Row& row = rows[asked.back()];
        const std::uint32_t column = questions.below(3);
        constexpr std::array<std::string_view, 3> kColumns = {"town", "trade", "code"};
        sample.questions.push_back({.text = questionText("What is the " + std::string(kColumns.at(column)) +
                                                         " of the " + row.key.joined(' ') + "?"),
                                    .answer = column == 0   ? row.town
                                              : column == 1 ? row.trade
                                                            : row.code});
    }
    const double depth = draft.place("depth", places);
    Prose prose(Random(draft.seed, "prose"));
    PlantedDocument document =
        plant(kHead, {{table, depth}}, draft.documentBytes(sample.questions), prose, draft.seed);
    sample.document = std::move(document.text);
    const std::int64_t begin = document.places.front().begin;
    for (std::size_t q = 0; q < asked.size(); ++q) {
        const ByteRange& row = rows[asked[q]].place;
        sample.questions[q].evidence = {{begin + row.begin, begin + row.end}};
    }
    return sample;
}

}  // namespace

const Generator kDensityTask{
    {"density", "a table of facts in a stretch of prose", Scorer::Contains, kParameters}, compose};

}  // namespace fluxscope::tasks
