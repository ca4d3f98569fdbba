// Sentences of a small grammar about people, things and places: readable, easy to predict in part, and never the same twice.
//
// What a language model can learn from it: which words fit where, that a paragraph keeps to one of eight topics and to two people, that
// "he" or "she" is the person named last, that common words are common (rank r is about 1 / (r + 2) as likely as the first).
// All of that lies within a paragraph of some 60 words, so that attention to the last few hundred tokens is enough.
#pragma once

#include "engine/tasks/detail/filler.h"

#include <span>
#include <string_view>

namespace fluxscope::tasks {

class Prose final : public Filler {
public:
    explicit Prose(Random random) : random_(random) {}
    bool sentence(std::string& out) override;

private:
    struct Person {
        std::string_view name;
        bool woman = false;
    };

    void beginParagraph();
    Person drawPerson();
    void subject(std::string& out, bool beginsSentence);
    void thing(std::string& out);
    void place(std::string& out, std::span<const std::string_view> prepositions);
    void handle(std::string& out);
    void stayOrGo(std::string& out);
    void isSomething(std::string& out);

    Random random_;
    int left_ = 0;  // sentences of this paragraph
    std::size_t topic_ = 0;
    Person people_[2];
    const Person* last_ = nullptr;  // who "he" or "she" is
};

// "a boat", "an old boat"
void withArticle(std::string& out, std::string_view phrase);

}  // namespace fluxscope::tasks
