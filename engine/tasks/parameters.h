// What makes a task harder or easier: named values with a default and a range.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::tasks {

enum class ParameterKind : std::uint8_t {
    Whole,
    Share,   // from 0 to 1
    Place,   // from 0 to 1, or "any": drawn for each sample
    Choice,  // one of a few words; its number is the word's place among them
};

struct Parameter {
    std::string_view name;
    ParameterKind kind = ParameterKind::Whole;
    double byDefault = 0;
    double least = 0;
    double most = 1;
    std::array<std::string_view, 3> words{};  // of a Choice; unused ones are empty
    std::string_view meaning;                 // one line
};

// The value of a Place that is drawn for each sample.
inline constexpr double kAnyPlace = -1;

constexpr Parameter wholeParameter(std::string_view name, std::int32_t byDefault, std::int32_t least,
                                   std::int32_t most, std::string_view meaning) {
    return {.name = name,
            .kind = ParameterKind::Whole,
            .byDefault = double(byDefault),
            .least = double(least),
            .most = double(most),
            .meaning = meaning};
}
constexpr Parameter shareParameter(std::string_view name, double byDefault, std::string_view meaning) {
    return {.name = name, .kind = ParameterKind::Share, .byDefault = byDefault, .meaning = meaning};
}
constexpr Parameter placeParameter(std::string_view name, double byDefault, std::string_view meaning) {
    return {.name = name, .kind = ParameterKind::Place, .byDefault = byDefault, .meaning = meaning};
}
// The first word is the default.
constexpr Parameter choiceParameter(std::string_view name, std::array<std::string_view, 3> words,
                                    std::string_view meaning) {
    return {.name = name, .kind = ParameterKind::Choice, .words = words, .meaning = meaning};
}

std::string textOf(const Parameter& parameter, double value);
// "1 to 64", "0 to 1, or any", "any, forward or backward"
std::string rangeOf(const Parameter& parameter);

// Values for a task's parameters, at their defaults until set.
class Parameters {
public:
    Parameters() = default;
    explicit Parameters(std::span<const Parameter> known);

    std::span<const Parameter> known() const { return known_; }
    // Both throw UsageError naming `where`: an unknown name, a value out of range.
    void set(std::string_view name, std::string_view text, const std::string& where);
    void set(std::string_view name, double value, const std::string& where);

    // A name that the task does not know is a mistake of ours: FaultError.
    double number(std::string_view name) const { return values_[indexOf(name)]; }
    std::int64_t whole(std::string_view name) const { return static_cast<std::int64_t>(number(name)); }
    bool isWord(std::string_view name, std::string_view word) const;
    std::string_view word(std::string_view name) const;
    bool has(std::string_view name) const;

    // "facts=8,depth=0.5": those that are not at their default.
    std::string shortForm() const;

private:
    std::size_t indexOf(std::string_view name) const;
    const Parameter& require(std::string_view name, const std::string& where) const;

    std::span<const Parameter> known_;
    std::vector<double> values_;
};

}  // namespace fluxscope::tasks
