#include "engine/tasks/detail/filler.h"

#include "engine/tasks/detail/prose.h"
#include "engine/tasks/detail/words.h"

#include <vector>

namespace fluxscope::tasks {
namespace {

constexpr std::size_t kShortestWord = 2;
constexpr std::size_t kLongestWord = 8;
constexpr std::int64_t kShortestClosing = 4;  // a space and "So."

using WordsByLength = std::array<std::vector<std::string_view>, kLongestWord + 1>;

const WordsByLength& wordsByLength() {
    static const WordsByLength byLength = [] {
        WordsByLength made;
        made[kShortestWord] = {"ox", "so", "we", "oh"};
        for (const std::string_view noun : nouns())
            if (noun.size() > kShortestWord && noun.size() <= kLongestWord) made[noun.size()].push_back(noun);
        return made;
    }();
    return byLength;
}

}  // namespace

RepeatedFiller::RepeatedFiller(std::uint64_t seed) {
    Prose prose(Random(seed, "repeated"));
    for (std::string& sentence : text_) prose.sentence(sentence);
}

bool RepeatedFiller::sentence(std::string& out) {
    out += text_[next_];
    next_ = (next_ + 1) % std::size(text_);
    return false;
}

void separate(std::string& out) {
    if (!out.empty() && out.back() != '\n') out += ' ';
}

void listSentence(std::string& out, std::int64_t bytes, Random& random) {
    const std::size_t begin = out.size();
    const WordsByLength& words = wordsByLength();
    auto left = static_cast<std::size_t>(bytes);
    while (left > kLongestWord + 1) {
        // From 10 to 15 bytes a word of four leaves what one more word fills.
        const std::string_view word = left < 16 ? random.of(words[4]) : random.of(words[3 + random.below(6)]);
        out.append(word).append(", ");
        left -= word.size() + 2;
    }
    out.append(random.of(words[left - 1])).append(1, '.');
    out[begin] = static_cast<char>(out[begin] - ('a' - 'A'));
}

bool FillerWriter::fits(std::size_t sentence) const {
    const int separator = out_.empty() || out_.back() == '\n' ? 0 : 1;
    const std::int64_t after = budget_ - used_ - static_cast<std::int64_t>(sentence) - separator;
    return after == 0 || after >= kShortestClosing;
}

void FillerWriter::prepare() {
    if (pending_.empty()) paragraph_ = filler_.sentence(pending_);
}

void FillerWriter::take() {
    const std::size_t before = out_.size();
    if (paragraph_ && !out_.empty() && out_.back() != '\n') out_ += '\n';
    separate(out_);
    out_ += pending_;
    pending_.clear();
    used_ += static_cast<std::int64_t>(out_.size() - before);
}

void FillerWriter::upTo(std::int64_t bytes) {
    while (true) {
        prepare();
        if (used_ + static_cast<std::int64_t>(pending_.size()) / 2 > bytes || !fits(pending_.size())) return;
        take();
    }
}

void FillerWriter::finish() {
    for (int misses = 0; misses < 4 && used_ < budget_;) {
        prepare();
        if (fits(pending_.size())) {
            take();
        } else {
            pending_.clear();
            ++misses;
        }
    }
    if (used_ < budget_) close(budget_ - used_);
}

void FillerWriter::close(std::int64_t bytes) {
    used_ = budget_;
    if (bytes < kShortestClosing) return;
    const std::size_t before = out_.size();
    separate(out_);
    listSentence(out_, bytes - static_cast<std::int64_t>(out_.size() - before), closing_);
}

}  // namespace fluxscope::tasks
