// RULER's eight needles in a haystack: they differ in haystack, in how many keys and values there are, and in what these look like.
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"

#include <memory>

namespace fluxscope::tasks {
namespace {

enum class Haystack : std::uint8_t { Repeated, Prose, Needles };

struct Family {
    Haystack haystack = Haystack::Prose;
    std::int64_t keys = 1;
    std::int64_t values = 1;  // of each key
    std::int64_t asked = 1;   // keys in the question
    bool uuidKeys = false;
    bool uuidValues = false;
};

std::string_view valueWord(const Family& family) { return family.uuidValues ? "uuid" : "number"; }

// Keys and values of one family, no key twice.
class Needles {
public:
    Needles(const Family& family, Random& random, std::int64_t expected)
        : family_(family), random_(random), keys_(random, family.uuidKeys ? 0 : expected) {}

    std::string key() { return family_.uuidKeys ? drawUuid(random_) : keys_.draw().joined('-'); }
    std::string value() { return family_.uuidValues ? drawUuid(random_) : drawNumber(random_, 7); }
    std::string sentence(const std::string& key, const std::string& value) const {
        return "The magic " + std::string(valueWord(family_)) + " of " + key + " is " + value + ".";
    }

private:
    const Family& family_;
    Random& random_;
    Keys keys_;
};

class NeedleFiller final : public Filler {
public:
    explicit NeedleFiller(Needles& needles) : needles_(needles) {}
    bool sentence(std::string& out) override {
        const std::string key = needles_.key();
        out += needles_.sentence(key, needles_.value());
        return true;
    }

private:
    Needles& needles_;
};

std::unique_ptr<Filler> fillerOf(const Family& family, const Draft& draft, Needles& needles) {
    if (family.haystack == Haystack::Needles) return std::make_unique<NeedleFiller>(needles);
    if (family.haystack == Haystack::Repeated) return std::make_unique<RepeatedFiller>(draft.seed);
    return std::make_unique<Prose>(Random(draft.seed, "prose"));
}

TaskSample composeFamily(const Draft& draft, const Family& family) {
    Random random(draft.seed, "facts");
    Random place(draft.seed, "place");
    Needles needles(family, random, family.haystack == Haystack::Needles ? draft.bytes / 40 : 64);
    std::vector<std::string> keys;
    std::vector<std::string> answers;  // by key, its values
    std::vector<Planted> planted;
    for (std::int64_t k = 0; k < family.keys; ++k) {
        keys.push_back(needles.key());
        answers.emplace_back();
        for (std::int64_t v = 0; v < family.values; ++v) {
            const std::string value = needles.value();
            answers.back() += (v == 0 ? "" : ", ") + value;
            const double depth = draft.place("depth", place);
            planted.push_back(
                {needles.sentence(keys.back(), value), k == 0 && v == 0 ? depth : random.unit()});
        }
    }

    const std::string plural = family.values * family.asked > 1 ? "s" : "";
    Question question;
    std::string asked;
    for (std::int64_t k = 0; k < family.asked; ++k) {
        const auto i = static_cast<std::size_t>(k);
        asked += (k == 0 ? "" : k + 1 == family.asked ? " and " : ", ") + keys[i];
        question.answer += (k == 0 ? "" : ", ") + answers[i];
    }
    question.text =
        questionText("What " + std::string(plural.empty() ? "is the" : "are all the") + " magic " +
                     std::string(valueWord(family)) + plural + " of " + asked + " in the text?");
    TaskSample sample{.scorer = Scorer::All};
    sample.questions.push_back(std::move(question));
    const std::unique_ptr<Filler> filler = fillerOf(family, draft, needles);
    PlantedDocument document = plant("Magic " + std::string(valueWord(family)) +
                                         "s are hidden in the text. Remember them: you will be asked.\n",
                                     planted, draft.documentBytes(sample.questions), *filler, draft.seed);
    sample.document = std::move(document.text);
    const auto wanted = static_cast<std::size_t>(family.asked * family.values);
    sample.questions.front().evidence.assign(document.places.begin(),
                                             document.places.begin() + static_cast<std::ptrdiff_t>(wanted));
    return sample;
}

template <int I>
constexpr Family kFamily{};
template <>
constexpr Family kFamily<0>{.haystack = Haystack::Repeated};
template <>
constexpr Family kFamily<2>{.uuidValues = true};
template <>
constexpr Family kFamily<3>{.keys = 4};
template <>
constexpr Family kFamily<4>{.haystack = Haystack::Needles};
template <>
constexpr Family kFamily<5>{.haystack = Haystack::Needles, .uuidKeys = true, .uuidValues = true};
template <>
constexpr Family kFamily<6>{.values = 4};
template <>
constexpr Family kFamily<7>{.keys = 4, .asked = 4};

template <int I>
TaskSample compose(const Draft& draft) {
    return composeFamily(draft, kFamily<I>);
}

constexpr std::array kParameters = {
    placeParameter("depth", kAnyPlace, "where the first needle stands: 0 at the beginning, 1 at the end"),
};

template <int I>
constexpr Generator family(std::string_view name, std::string_view description) {
    return {{name, description, Scorer::All, kParameters}, compose<I>};
}

constexpr std::array kTasks = {
    family<0>("ruler:niah_single_1", "one number in a few sentences said over and over"),
    family<1>("ruler:niah_single_2", "one number in prose"),
    family<2>("ruler:niah_single_3", "one uuid in prose"),
    family<3>("ruler:niah_multikey_1", "one number in prose, three others beside it"),
    family<4>("ruler:niah_multikey_2", "one number among nothing but numbers"),
    family<5>("ruler:niah_multikey_3", "one uuid of a uuid among nothing but uuids"),
    family<6>("ruler:niah_multivalue", "four numbers of one key"),
    family<7>("ruler:niah_multiquery", "the numbers of four keys"),
};

}  // namespace

std::span<const Generator> rulerNeedleTasks() { return kTasks; }

}  // namespace fluxscope::tasks
