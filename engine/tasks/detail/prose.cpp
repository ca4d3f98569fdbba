#include "engine/tasks/detail/prose.h"

#include "engine/tasks/detail/words.h"

namespace fluxscope::tasks {
namespace {

// By rank: the first words of a list are the common ones.
std::string_view common(Random& random, std::span<const std::string_view> words, const ZipfRanks& ranks) {
    return words[ranks.rank(random.next())];
}

std::string_view adjective(Random& random) {
    static const ZipfRanks ranks(adjectives().size());
    return common(random, adjectives(), ranks);
}

}  // namespace

void withArticle(std::string& out, std::string_view phrase) {
    constexpr std::string_view kVowels = "aeiou";
    out.append(kVowels.find(phrase.front()) == std::string_view::npos ? "a " : "an ").append(phrase);
}

Prose::Person Prose::drawPerson() {
    static const ZipfRanks ranks(womenNames().size());
    const bool woman = random_.oneIn(2);
    return {.name = common(random_, woman ? womenNames() : menNames(), ranks), .woman = woman};
}

void Prose::beginParagraph() {
    left_ = static_cast<int>(random_.between(4, 9));
    topic_ = random_.below(kTopics);
    people_[0] = drawPerson();
    do people_[1] = drawPerson();
    while (people_[1].name == people_[0].name);
    last_ = nullptr;
}

void Prose::subject(std::string& out, bool beginsSentence) {
    if (last_ && random_.oneIn(2)) {
        if (beginsSentence)
            out += last_->woman ? "She" : "He";
        else
            out += last_->woman ? "she" : "he";
        return;
    }
    last_ = &people_[random_.oneIn(3) ? 1 : 0];
    out += last_->name;
}

void Prose::thing(std::string& out) {
    static const ZipfRanks ranks(topicNouns(0).size());
    out += "the ";
    if (random_.oneIn(2)) out.append(adjective(random_)).append(1, ' ');
    out += common(random_, topicNouns(topic_), ranks);
}

void Prose::place(std::string& out, std::span<const std::string_view> prepositions) {
    static const ZipfRanks prepositionRanks(stayingPrepositions().size());  // as many as of the moving ones
    static const ZipfRanks placeRanks(topicPlaces(0).size());
    out.append(common(random_, prepositions, prepositionRanks)).append(" the ");
    out += common(random_, topicPlaces(topic_), placeRanks);
}

void Prose::handle(std::string& out) {
    static const ZipfRanks ranks(handlingVerbs().size());
    out.append(1, ' ').append(common(random_, handlingVerbs(), ranks)).append(1, ' ');
    thing(out);
}

void Prose::stayOrGo(std::string& out) {
    static const ZipfRanks verbRanks(movingVerbs().size());  // as many as staying ones
    static const ZipfRanks adverbRanks(adverbs().size());
    const bool goes = random_.oneIn(2);
    out.append(1, ' ')
        .append(common(random_, goes ? movingVerbs() : stayingVerbs(), verbRanks))
        .append(1, ' ');
    if (random_.oneIn(3)) out.append(common(random_, adverbs(), adverbRanks)).append(1, ' ');
    place(out, goes ? movingPrepositions() : stayingPrepositions());
}

void Prose::isSomething(std::string& out) {
    const std::string_view first = adjective(random_);
    const std::string_view second = adjective(random_);
    out.append(" was ").append(first);
    if (second != first && random_.oneIn(2)) out.append(" and ").append(second);
}

bool Prose::sentence(std::string& out) {
    const bool begins = left_ == 0;
    if (begins) beginParagraph();
    --left_;
    const std::uint32_t form = random_.below(16);
    if (form < 5) {
        subject(out, true);
        handle(out);
        if (random_.oneIn(2)) {
            out += ' ';
            place(out, stayingPrepositions());
        }
    } else if (form < 9) {
        subject(out, true);
        stayOrGo(out);
    } else if (form < 11) {
        const std::size_t at = out.size();
        thing(out);
        out[at] = 'T';
        isSomething(out);
    } else if (form < 12) {
        out += "There was ";
        std::string phrase(adjective(random_));
        phrase += ' ';
        phrase += random_.of(topicNouns(topic_));
        withArticle(out, phrase);
        out += ' ';
        place(out, stayingPrepositions());
    } else if (form < 14) {
        static const ZipfRanks ranks(openings().size());
        out.append(common(random_, openings(), ranks)).append(", ");
        subject(out, false);
        handle(out);
        out += " and";
        stayOrGo(out);
    } else if (form < 15) {
        last_ = &people_[random_.below(2)];
        out += "\"";
        const std::size_t at = out.size();
        thing(out);
        out[at] = 'T';
        out.append(" is ").append(adjective(random_)).append(",\" said ").append(last_->name);
    } else {
        out.append(people_[0].name).append(" and ").append(people_[1].name);
        stayOrGo(out);
        last_ = nullptr;
    }
    out += '.';
    return begins;
}

}  // namespace fluxscope::tasks
