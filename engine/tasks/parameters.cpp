#include "engine/tasks/parameters.h"

#include "engine/contract/error.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace fluxscope::tasks {
namespace {

std::string decimal(double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), end};
}

std::size_t wordCount(const Parameter& parameter) {
    std::size_t count = 0;
    while (count < parameter.words.size() && !parameter.words[count].empty()) ++count;
    return count;
}

bool holds(const Parameter& parameter, double value) {
    switch (parameter.kind) {
        case ParameterKind::Whole:
            return value >= parameter.least && value <= parameter.most && value == std::floor(value);
        case ParameterKind::Share: return value >= 0 && value <= 1;
        case ParameterKind::Place: return value == kAnyPlace || (value >= 0 && value <= 1);
        case ParameterKind::Choice:
            return value >= 0 && value < double(wordCount(parameter)) && value == std::floor(value);
    }
    return false;
}

// Nothing: not a value of this parameter.
bool read(const Parameter& parameter, std::string_view text, double& value) {
    if (parameter.kind == ParameterKind::Choice) {
        for (std::size_t i = 0; i < wordCount(parameter); ++i) {
            value = double(i);
            if (parameter.words[i] == text) return true;
        }
        return false;
    }
    if (parameter.kind == ParameterKind::Place && text == "any") {
        value = kAnyPlace;
        return true;
    }
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc{} && end == text.data() + text.size() && value != kAnyPlace &&
           holds(parameter, value);
}

UsageError refuse(const std::string& where, const Parameter& parameter, const std::string& given) {
    return {where, std::string(parameter.name), "is '" + printable(given) + "'",
            "it takes " + rangeOf(parameter)};
}

}  // namespace

std::string textOf(const Parameter& parameter, double value) {
    if (parameter.kind == ParameterKind::Choice)
        return std::string(parameter.words.at(static_cast<std::size_t>(value)));
    if (parameter.kind == ParameterKind::Place && value == kAnyPlace) return "any";
    return decimal(value);
}

std::string rangeOf(const Parameter& parameter) {
    switch (parameter.kind) {
        case ParameterKind::Whole:
            return "a whole number from " + decimal(parameter.least) + " to " + decimal(parameter.most);
        case ParameterKind::Share: return "a number from 0 to 1";
        case ParameterKind::Place: return "a number from 0 to 1, or any";
        case ParameterKind::Choice: break;
    }
    std::string text;
    const std::size_t count = wordCount(parameter);
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) text += i + 1 == count ? " or " : ", ";
        text += parameter.words[i];
    }
    return text;
}

Parameters::Parameters(std::span<const Parameter> known) : known_(known) {
    for (const Parameter& parameter : known) values_.push_back(parameter.byDefault);
}

const Parameter& Parameters::require(std::string_view name, const std::string& where) const {
    std::string names;
    for (const Parameter& parameter : known_) {
        if (parameter.name == name) return parameter;
        names += (names.empty() ? "" : ", ") + std::string(parameter.name);
    }
    throw UsageError(where, "", "has an unknown parameter '" + printable(name) + "'",
                     names.empty() ? "this task has none" : "this task has " + names);
}

void Parameters::set(std::string_view name, std::string_view text, const std::string& where) {
    const Parameter& parameter = require(name, where);
    double value = 0;
    if (!read(parameter, text, value)) throw refuse(where, parameter, std::string(text));
    values_[indexOf(name)] = value;
}

void Parameters::set(std::string_view name, double value, const std::string& where) {
    const Parameter& parameter = require(name, where);
    if (!holds(parameter, value)) throw refuse(where, parameter, decimal(value));
    values_[indexOf(name)] = value;
}

std::size_t Parameters::indexOf(std::string_view name) const {
    for (std::size_t i = 0; i < known_.size(); ++i)
        if (known_[i].name == name) return i;
    throw FaultError("tasks", std::string(name), "is asked of a task that has no such parameter", "");
}

bool Parameters::has(std::string_view name) const {
    for (const Parameter& parameter : known_)
        if (parameter.name == name) return true;
    return false;
}

std::string_view Parameters::word(std::string_view name) const {
    const std::size_t index = indexOf(name);
    return known_[index].words.at(static_cast<std::size_t>(values_[index]));
}

bool Parameters::isWord(std::string_view name, std::string_view word) const {
    return this->word(name) == word;
}

std::string Parameters::shortForm() const {
    std::string text;
    for (std::size_t i = 0; i < known_.size(); ++i) {
        if (values_[i] == known_[i].byDefault) continue;
        if (!text.empty()) text += ',';
        text.append(known_[i].name).append(1, '=').append(textOf(known_[i], values_[i]));
    }
    return text;
}

}  // namespace fluxscope::tasks
