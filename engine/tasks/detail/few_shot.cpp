// few-shot: a mapping that a document's examples define and nothing else does. The noun decides, the adjectives do not.
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"
#include "engine/tasks/detail/words.h"

#include <algorithm>

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    wholeParameter("classes", 8, 2, 64, "nouns, each with a label of its own"),
    wholeParameter("noise", 1, 0, 4, "adjectives before a noun, which mean nothing"),
    wholeParameter("shots", 0, 0, 1000,
                   "examples of each class; 0: as many as the length holds, else prose stands before them"),
    kQueries,
};

std::string described(std::string_view noun, std::int64_t noise, Random& random) {
    std::string text;
    for (std::int64_t i = 0; i < noise; ++i) text.append(random.of(adjectives())).append(1, ' ');
    return text.append(noun);
}

TaskSample compose(const Draft& draft) {
    constexpr std::string_view kHead =
        "Each line gives a thing its label. Learn which label belongs to what.\n";
    Random random(draft.seed, "examples");
    const auto classes = static_cast<std::size_t>(draft.whole("classes"));
    const std::int64_t noise = draft.whole("noise");
    const std::int64_t shots = draft.whole("shots");
    std::vector<std::string_view> words(nouns().begin(), nouns().end());
    random.shuffle(words);  // the first so many are the classes' nouns, the next so many their labels

    TaskSample sample{.scorer = Scorer::Exact};
    const std::vector<std::size_t> asked = questionOrder(classes, draft.queries(), random);
    for (const std::size_t c : asked)
        sample.questions.push_back(
            {.text = described(words[c], noise, random) + " ->", .answer = std::string(words[classes + c])});

    // Whole rounds over the classes in an order of their own, so that every class has its examples early.
    const std::int64_t room = draft.documentBytes(sample.questions) - static_cast<std::int64_t>(kHead.size());
    std::vector<std::size_t> round(classes);
    for (std::size_t c = 0; c < classes; ++c) round[c] = c;
    struct Line {
        std::size_t ofClass;
        ByteRange place;
    };
    std::vector<Line> lines;
    std::string examples;
    for (std::int64_t shot = 0; shots == 0 || shot < shots; ++shot) {
        random.shuffle(round);
        bool full = false;
        for (const std::size_t c : round) {
            const std::string line =
                described(words[c], noise, random) + " -> " + std::string(words[classes + c]) + "\n";
            full = shots == 0 && shot > 0 && static_cast<std::int64_t>(examples.size() + line.size()) > room;
            if (full) break;
            const auto begin = static_cast<std::int64_t>(examples.size());
            examples += line;
            lines.push_back({c, {begin, begin + static_cast<std::int64_t>(line.size())}});
        }
        if (full) break;
    }
    Prose prose(Random(draft.seed, "prose"));
    PlantedDocument document =
        plant(kHead, {{examples, 1}}, draft.documentBytes(sample.questions), prose, draft.seed);
    sample.document = std::move(document.text);
    const std::int64_t begin = document.places.front().begin;
    for (std::size_t q = 0; q < asked.size(); ++q)
        for (const Line& line : lines)
            if (line.ofClass == asked[q])
                sample.questions[q].evidence.push_back({begin + line.place.begin, begin + line.place.end});
    return sample;
}

}  // namespace

const Generator kFewShotTask{
    {"few-shot", "labels that a document's own examples define", Scorer::Exact, kParameters}, compose};

}  // namespace fluxscope::tasks
