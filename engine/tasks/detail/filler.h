// What stands between the things that matter: sentences without end, and a way to fill exactly so many bytes with them.
#pragma once

#include "engine/tasks/random.h"

#include <cstdint>
#include <string>

namespace fluxscope::tasks {

class Filler {
public:
    Filler() = default;
    Filler(const Filler&) = delete;
    Filler& operator=(const Filler&) = delete;
    virtual ~Filler() = default;

    // Appends one sentence, full stop included, and says whether a new paragraph begins with it.
    virtual bool sentence(std::string& out) = 0;
};

// A few sentences of prose, the same ones over and over.
class RepeatedFiller final : public Filler {
public:
    explicit RepeatedFiller(std::uint64_t seed);
    bool sentence(std::string& out) override;

private:
    std::string text_[5];
    std::size_t next_ = 0;
};

// Writes filler behind a text, up to `budget` bytes with the spaces and line ends between sentences.
class FillerWriter {
public:
    FillerWriter(std::string& out, std::int64_t budget, Filler& filler, std::uint64_t seed)
        : out_(out), budget_(budget), filler_(filler), closing_(seed, "closing") {}

    // Whole sentences, until about so many bytes of the budget are used.
    void upTo(std::int64_t bytes);
    // All of the budget, to the byte: the last sentence is a list of things as long as what was left. A budget below four bytes
    // is too small for one and stays unused.
    void finish();

private:
    bool fits(std::size_t sentence) const;
    void prepare();
    void take();
    void close(std::int64_t bytes);

    std::string& out_;
    std::int64_t budget_;
    std::int64_t used_ = 0;
    Filler& filler_;
    Random closing_;
    std::string pending_;
    bool paragraph_ = false;
};

// One sentence of exactly so many bytes, from 3 up: "Bread, rope, boat."
void listSentence(std::string& out, std::int64_t bytes, Random& random);

// A space, unless the text is empty or at the beginning of a line.
void separate(std::string& out);

}  // namespace fluxscope::tasks
