// RULER's two aggregations: the ten common words of a long list, and the three most frequent of coded words.
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"

#include <algorithm>
#include <bit>
#include <set>

namespace fluxscope::tasks {
namespace {

constexpr std::array kCommonParameters = {
    wholeParameter("common", 10, 1, 20, "words that stand in the list often"),
    wholeParameter("often", 30, 2, 200, "times that each of them stands there, where the length holds that"),
    wholeParameter("seldom", 3, 1, 20, "times that every other word stands there"),
};

std::string joined(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
    return text;
}

TaskSample composeCommon(const Draft& draft) {
    constexpr std::string_view kHead =
        "Below is a numbered list of words. Some of them stand there more often than all others.\n";
    constexpr std::int64_t kEntryBytes = 18;  // "123. amber-falcon "
    Random random(draft.seed, "words");
    const std::int64_t common = draft.whole("common");
    TaskSample sample{.scorer = Scorer::All};
    sample.questions.push_back(
        {.text = questionText("Which " + std::to_string(common) + " words are the most common in the list?"),
         .answer = {}});
    // A short list has room for two thirds of common words at most, and for other words once only.
    const std::int64_t entries = std::max<std::int64_t>(
        (draft.documentBytes(sample.questions) - static_cast<std::int64_t>(kHead.size()) - common * 14) /
            kEntryBytes,
        0);
    std::int64_t seldom = draft.whole("seldom");
    std::int64_t often = std::min(draft.whole("often"), entries * 2 / 3 / common);
    if (often <= seldom) seldom = 1;
    often = std::max<std::int64_t>(often, seldom + 1);

    Keys keys(random, common + entries / seldom);
    std::vector<std::string> words;
    std::vector<std::string> answers;
    for (std::int64_t i = 0; i < common; ++i) {
        answers.push_back(keys.draw().joined('-'));
        words.insert(words.end(), static_cast<std::size_t>(often), answers.back());
    }
    while (static_cast<std::int64_t>(words.size()) + seldom <= entries)
        words.insert(words.end(), static_cast<std::size_t>(seldom), keys.draw().joined('-'));
    random.shuffle(words);
    sample.questions.front().answer = joined(answers);

    const std::int64_t room = draft.documentBytes(sample.questions);
    std::string list;
    for (std::size_t i = 0; i < words.size(); ++i)
        list += std::to_string(i + 1) + ". " + words[i] + (i + 1 == words.size() ? "\n" : " ");
    Prose prose(Random(draft.seed, "prose"));
    PlantedDocument document = plant(kHead, {{list, 1}}, room, prose, draft.seed);
    sample.document = std::move(document.text);
    sample.questions.front().evidence = {document.places.front()};
    return sample;
}

constexpr std::array kFrequentParameters = {
    wholeParameter("alpha", 2, 1, 4,
                   "the word of rank r is about r to the power of minus this as frequent as the first"),
};

// How often the word of each rank stands among `total`: at least once, ranks 2 to 4 strictly falling and above all others.
std::vector<std::int64_t> frequencies(std::int64_t total, std::int64_t alpha) {
    const auto power = [alpha](std::int64_t rank) {
        std::int64_t product = 1;
        for (std::int64_t i = 0; i < alpha; ++i) product *= rank;
        return product;
    };
    // The first word has total / zeta of them. Whole numbers only: the same on every machine.
    constexpr std::array<std::int64_t, 5> kZetaTimes1000 = {0, 0, 1645, 1202, 1082};
    std::int64_t harmonic = 0;  // of alpha = 1, which has no limit: over 100 ranks
    for (std::int64_t rank = 1; rank <= 100; ++rank) harmonic += 1000 / rank;
    const std::int64_t zeta = alpha == 1 ? harmonic : kZetaTimes1000.at(static_cast<std::size_t>(alpha));
    std::vector<std::int64_t> counts;
    for (std::int64_t rank = 1, used = 0; used < total && rank <= 1000; ++rank) {
        counts.push_back(std::max<std::int64_t>(1, total * 1000 / zeta / power(rank)));
        used += counts.back();
    }
    counts.resize(std::max<std::size_t>(counts.size(), 5), 1);
    for (std::size_t rank = 4; rank-- > 1;) counts[rank] = std::max(counts[rank], counts[rank + 1] + 1);
    return counts;
}

TaskSample composeFrequent(const Draft& draft) {
    constexpr std::string_view kHead =
        "Below is a coded text, and the dots in it mean nothing. Count its words.\n";
    Random random(draft.seed, "words");
    TaskSample sample{.scorer = Scorer::All};
    sample.questions.push_back(
        {.text = questionText("Which three coded words are the most frequent?"), .answer = {}});
    const std::int64_t bytes =
        draft.documentBytes(sample.questions) - static_cast<std::int64_t>(kHead.size()) - 24;
    const std::int64_t alpha = draft.whole("alpha");
    // A coded word takes 7 bytes, the dots of rank 1 take 4: as many as fit.
    const auto sizeOf = [alpha](std::int64_t total) {
        const std::vector<std::int64_t> counts = frequencies(total, alpha);
        std::int64_t size = 0;
        for (std::size_t rank = 0; rank < counts.size(); ++rank) size += counts[rank] * (rank == 0 ? 4 : 7);
        return size;
    };
    std::int64_t total = 0;
    for (auto step = static_cast<std::int64_t>(
             std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(bytes / 4, 1))));
         step > 0; step /= 2)
        if (sizeOf(total + step) <= bytes) total += step;
    const std::vector<std::int64_t> counts = frequencies(total, alpha);

    std::vector<std::string> words;
    std::vector<std::string> answers;
    std::set<std::string> taken;
    for (std::size_t rank = 0; rank < counts.size(); ++rank) {
        std::string word = "...";
        while (rank > 0 && (word == "..." || !taken.insert(word).second)) {
            word.clear();
            for (int i = 0; i < 6; ++i) word += static_cast<char>('a' + random.below(26));
        }
        words.insert(words.end(), static_cast<std::size_t>(counts[rank]), word);
        if (rank >= 1 && rank <= 3) answers.push_back(word);
    }
    random.shuffle(words);
    sample.questions.front().answer = joined(answers);
    std::string text;
    for (const std::string& word : words) text += word + " ";
    text.back() = '\n';
    Prose prose(Random(draft.seed, "prose"));
    PlantedDocument document =
        plant(kHead, {{text, 1}}, draft.documentBytes(sample.questions), prose, draft.seed);
    sample.document = std::move(document.text);
    sample.questions.front().evidence = {document.places.front()};
    return sample;
}

constexpr std::array kTasks = {
    Generator{{"ruler:cwe", "the common words of a long list", Scorer::All, kCommonParameters},
              composeCommon},
    Generator{{"ruler:fwe", "the three most frequent of coded words", Scorer::All, kFrequentParameters},
              composeFrequent},
};

}  // namespace

std::span<const Generator> rulerWordTasks() { return kTasks; }

}  // namespace fluxscope::tasks
