// The digits and numbers that a policy's short form and its JSON share.
#pragma once

#include "engine/contract/policy.h"

#include <optional>
#include <string>
#include <string_view>

namespace fluxscope {

std::optional<std::int32_t> parseCount(std::string_view text);
std::optional<double> parseProbability(std::string_view text);
// "0.35": the fewest digits that read back as the same number.
std::string numberText(double value);

// "1101", a digit each, 1 is full. Nothing when it is empty or has another character.
std::optional<std::vector<Attention>> parseDigits(std::string_view text);
std::string digitsText(const std::vector<Attention>& row);

}  // namespace fluxscope
