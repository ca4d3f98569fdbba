#include "engine/tasks/detail/keys.h"

#include "engine/contract/error.h"
#include "engine/tasks/detail/words.h"

namespace fluxscope::tasks {
namespace {

constexpr std::int64_t kPairsSuffice = 4000;  // beyond, too many draws would meet a taken pair

void appendCapital(std::string& out, std::string_view word) {
    out += static_cast<char>(word.front() - ('a' - 'A'));
    out += word.substr(1);
}

}  // namespace

std::string Key::joined(char with) const {
    std::string text;
    if (!more.empty()) text.append(more).append(1, with);
    return text.append(adjective).append(1, with).append(noun);
}

std::string Key::camel() const {
    std::string text(more.empty() ? adjective : more);
    if (!more.empty()) appendCapital(text, adjective);
    appendCapital(text, noun);
    return text;
}

Keys::Keys(Random& random, std::int64_t expected)
    : random_(random),
      three_(expected > kPairsSuffice),
      count_(adjectives().size() * nouns().size() * (three_ ? adjectives().size() : 1)),
      taken_(count_) {}

Key Keys::at(std::uint64_t index) const {
    const std::size_t noun = index % nouns().size();
    index /= nouns().size();
    Key key{.more = {}, .adjective = adjectives()[index % adjectives().size()], .noun = nouns()[noun]};
    if (three_) key.more = adjectives()[index / adjectives().size()];
    return key;
}

bool Keys::claim(std::uint64_t index) {
    if (taken_[index]) return false;
    taken_[index] = true;
    ++drawn_;
    return true;
}

Key Keys::draw() {
    if (drawn_ * 2 > count_)
        throw UsageError("tasks", "length", "is more than there are names for", "make it shorter");
    std::uint64_t index = random_.below(count_);
    while (!claim(index)) index = random_.below(count_);
    return at(index);
}

Key Keys::drawLike(const Key& other) {
    // Of the few that share a word some may be taken; after a while any will do.
    for (int attempt = 0; attempt < 64; ++attempt) {
        const std::uint64_t index = random_.below(count_);
        const Key key = at(index);
        const std::uint64_t adjectiveBlock = index / nouns().size() * nouns().size();
        const bool keepNoun = random_.oneIn(2);
        for (std::size_t noun = 0; keepNoun && noun < nouns().size(); ++noun)
            if (nouns()[noun] == other.noun && key.adjective != other.adjective &&
                claim(adjectiveBlock + noun))
                return at(adjectiveBlock + noun);
        for (std::size_t adjective = 0; !keepNoun && adjective < adjectives().size(); ++adjective) {
            const std::uint64_t same = adjective * nouns().size() + index % nouns().size();
            if (!three_ && adjectives()[adjective] == other.adjective && claim(same)) return at(same);
        }
    }
    return draw();
}

std::string drawNumber(Random& random, std::int64_t digits) {
    std::string text;
    for (std::int64_t i = 0; i < digits; ++i)
        text += static_cast<char>('0' + random.between(i == 0 && digits > 1 ? 1 : 0, 9));
    return text;
}

std::string drawUuid(Random& random) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text;
    for (int i = 0; i < 32; ++i) {
        if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
        text += kHex[random.below(16)];
    }
    return text;
}

}  // namespace fluxscope::tasks
