// How an answer is judged: a score from 0 to 1, by the rule that the prompt's `scorer` names.
//
// Normalised words: ASCII letters in lower case; letters, digits and every byte beyond ASCII make up words; all else separates
// them. "The code is: 48-21." has the words the, code, is, 48, 21. No article is dropped and no number rewritten.
//
//   exact       1 when the first line that has a word has the answer's words and no others
//   contains    1 when the answer's words stand somewhere in the text, one after the other, as whole words
//   all         the share of the answer's items (separated by ", ") that the text contains, each as `contains` has it
//   numeric     1 when the first number of the text equals the answer: -3, 4, 0.5; "4." is 4, "1,000" begins with 1
//   likelihood  the geometric mean of the probabilities of the answer's tokens (1 / perplexity), where the answer was forced
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::tasks {

enum class Scorer : std::uint8_t { None, Exact, Contains, All, Numeric, Likelihood };

std::string_view nameOf(Scorer scorer);  // "" for None
// "" is None. Throws InputError naming `where`.
Scorer scorerFrom(std::string_view name, const std::string& where);

// Of a text that was generated. Likelihood is no judgement of a text: asking for it throws FaultError.
double score(Scorer scorer, std::string_view answer, std::string_view text);
// Of the answer's tokens, natural logarithms. 0 for none.
double likelihood(std::span<const float> logprobs);

std::vector<std::string> normalisedWords(std::string_view text);

}  // namespace fluxscope::tasks
