#include "engine/tasks/scoring.h"

#include "engine/contract/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fluxscope::tasks {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"", "exact", "contains", "all", "numeric", "likelihood"};

bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool containsWords(const std::vector<std::string>& text, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return false;
    return std::search(text.begin(), text.end(), wanted.begin(), wanted.end()) != text.end();
}

double exact(std::string_view answer, std::string_view text) {
    const std::vector<std::string> wanted = normalisedWords(answer);
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::vector<std::string> words = normalisedWords(text.substr(0, end));
        if (!words.empty()) return words == wanted ? 1 : 0;
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return 0;
}

double shareOfItems(std::string_view answer, std::string_view text) {
    const std::vector<std::string> words = normalisedWords(text);
    int items = 0;
    int found = 0;
    while (!answer.empty()) {
        const std::size_t end = answer.find(", ");
        ++items;
        if (containsWords(words, normalisedWords(answer.substr(0, end)))) ++found;
        answer = end == std::string_view::npos ? std::string_view{} : answer.substr(end + 2);
    }
    return items == 0 ? 0 : double(found) / items;
}

// The first number in it: a minus counts where no letter or digit stands before it, a point where digits follow.
bool firstNumber(std::string_view text, double& value) {
    const auto start = std::find_if(text.begin(), text.end(), isDigit);
    if (start == text.end()) return false;
    const auto from = static_cast<std::size_t>(start - text.begin());
    std::size_t end = from;
    while (end < text.size() && isDigit(text[end])) ++end;
    if (end + 1 < text.size() && text[end] == '.' && isDigit(text[end + 1])) {
        ++end;
        while (end < text.size() && isDigit(text[end])) ++end;
    }
    const std::string_view digits = text.substr(from, end - from);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) return false;
    const auto isWordByte = [](char c) { return isDigit(c) || (c | 0x20) >= 'a'; };
    const bool minus = from > 0 && text[from - 1] == '-' && (from == 1 || !isWordByte(text[from - 2]));
    if (minus) value = -value;
    return true;
}

double numeric(std::string_view answer, std::string_view text) {
    double wanted = 0;
    double given = 0;
    return firstNumber(answer, wanted) && firstNumber(text, given) && wanted == given ? 1 : 0;
}

}  // namespace

std::string_view nameOf(Scorer scorer) { return kNames.at(static_cast<std::size_t>(scorer)); }

Scorer scorerFrom(std::string_view name, const std::string& where) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames[i] == name) return static_cast<Scorer>(i);
    throw InputError(where, "scorer", "is '" + printable(name) + "'",
                     "it is one of exact, contains, all, numeric and likelihood");
}

std::vector<std::string> normalisedWords(std::string_view text) {
    std::vector<std::string> words;
    bool inside = false;
    for (const char c : text) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool part =
            isDigit(c) || upper || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
        if (part && !inside) words.emplace_back();
        if (part) words.back() += upper ? static_cast<char>(c + ('a' - 'A')) : c;
        inside = part;
    }
    return words;
}

double score(Scorer scorer, std::string_view answer, std::string_view text) {
    switch (scorer) {
        case Scorer::Exact: return exact(answer, text);
        case Scorer::Contains: return containsWords(normalisedWords(text), normalisedWords(answer)) ? 1 : 0;
        case Scorer::All: return shareOfItems(answer, text);
        case Scorer::Numeric: return numeric(answer, text);
        case Scorer::None:
        case Scorer::Likelihood: break;
    }
    throw FaultError("tasks", "", "a text was to be scored without a rule for texts", "");
}

double likelihood(std::span<const float> logprobs) {
    if (logprobs.empty()) return 0;
    double sum = 0;
    for (const float logprob : logprobs) sum += double(logprob);
    return std::min(1.0, std::exp(sum / double(logprobs.size())));
}

}  // namespace fluxscope::tasks
