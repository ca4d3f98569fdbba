#include "engine/contract/detail/policy_digits.h"

#include <array>
#include <charconv>

namespace fluxscope {

std::optional<std::int32_t> parseCount(std::string_view text) {
    std::int32_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::optional<double> parseProbability(std::string_view text) {
    double value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 1))
        return std::nullopt;
    return value;
}

std::string numberText(double value) {
    std::array<char, 32> digits{};
    const auto [end, failure] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return {digits.data(), end};
}

std::optional<std::vector<Attention>> parseDigits(std::string_view text) {
    if (text.empty() || text.find_first_not_of("01") != std::string_view::npos) return std::nullopt;
    std::vector<Attention> row;
    row.reserve(text.size());
    for (const char digit : text) row.push_back(digit == '1' ? Attention::Full : Attention::Sparse);
    return row;
}

std::string digitsText(const std::vector<Attention>& row) {
    std::string text;
    for (const Attention attention : row) text += attention == Attention::Full ? '1' : '0';
    return text;
}

}  // namespace fluxscope
