#include "app/protocol/detail/fields.h"

#include "app/protocol/lines.h"
#include "app/protocol/messages.h"
#include "engine/contract/error.h"

namespace fluxscope::protocol {
namespace {

constexpr int kDeepest = 16;

const char* const kRemedy = "app/protocol/messages.h has the messages of version 1";

// Counted before parsing: a tree of a million levels would cost memory, and writing it would end the stack.
bool nestsTooDeep(std::string_view line) {
    int depth = 0;
    bool inString = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (inString) {
            if (c == '\\') ++i;
            if (c == '"') inString = false;
        } else if (c == '"') {
            inString = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kDeepest) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

}  // namespace

nlohmann::json parseLine(std::string_view line, const std::string& where) {
    if (line.size() > kLongestLine)
        throw UsageError{where, "", "is " + std::to_string(line.size()) + " bytes long",
                         "a line may have " + std::to_string(kLongestLine)};
    if (nestsTooDeep(line))
        throw UsageError{where, "", "nests deeper than " + std::to_string(kDeepest) + " levels", kRemedy};
    nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_discarded()) throw UsageError{where, printable(line, 40), "is not JSON", kRemedy};
    if (!object.is_object())
        throw UsageError{where, "", std::string("is a JSON ") + object.type_name() + ", not an object",
                         kRemedy};
    return object;
}

std::string dumpLine(const nlohmann::json& object) {
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Fields::Fields(const nlohmann::json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object_.is_object())
        throw UsageError{where_, "", std::string("is a JSON ") + object_.type_name() + ", not an object",
                         kRemedy};
}

bool Fields::has(std::string_view name) const { return object_.find(name) != object_.end(); }

const nlohmann::json& Fields::any(std::string_view name) {
    const auto found = object_.find(name);
    if (found == object_.end()) wrong(name, "is missing");
    read_.emplace(name);
    return *found;
}

std::string Fields::text(std::string_view name) {
    const nlohmann::json& value = any(name);
    if (!value.is_string()) wrong(name, std::string("is a JSON ") + value.type_name() + ", not a string");
    return value.get<std::string>();
}

std::string Fields::text(std::string_view name, std::string absent) {
    return has(name) ? text(name) : std::move(absent);
}

bool Fields::flag(std::string_view name) {
    const nlohmann::json& value = any(name);
    if (!value.is_boolean())
        wrong(name, std::string("is a JSON ") + value.type_name() + ", not true or false");
    return value.get<bool>();
}

double Fields::number(std::string_view name) {
    const nlohmann::json& value = any(name);
    if (!value.is_number() || value.get<double>() < 0) wrong(name, "is no number from 0 up");
    return value.get<double>();
}

std::vector<std::string> Fields::texts(std::string_view name) {
    const nlohmann::json& value = any(name);
    if (!value.is_array()) wrong(name, std::string("is a JSON ") + value.type_name() + ", not an array");
    std::vector<std::string> all;
    for (const nlohmann::json& item : value) {
        if (!item.is_string())
            wrong(name, std::string("has a JSON ") + item.type_name() + " among its strings");
        all.push_back(item.get<std::string>());
    }
    return all;
}

std::int64_t Fields::bounded(std::string_view name, std::int64_t least, std::int64_t most) {
    const nlohmann::json& value = any(name);
    if (!value.is_number_integer()) wrong(name, "is not a whole number");
    const bool tooLarge =
        value.is_number_unsigned() &&
        value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::int64_t number = tooLarge ? 0 : value.get<std::int64_t>();
    if (tooLarge || number < least || number > most)
        wrong(name,
              "is " + value.dump() + ", outside " + std::to_string(least) + " to " + std::to_string(most));
    return number;
}

void Fields::end() const {
    for (const auto& item : object_.items())
        if (!read_.contains(item.key())) wrong(item.key(), "is not a field of this message");
}

void Fields::wrong(std::string_view name, const std::string& problem) const {
    throw UsageError{where_, std::string(name), problem, kRemedy};
}

void requireVersion(Fields& fields) {
    const auto version = fields.integer("v");
    if (version != kVersion)
        fields.wrong("v", "is " + std::to_string(version) + ", and this program speaks version " +
                              std::to_string(kVersion));
}

}  // namespace fluxscope::protocol
