// Reads one JSON object strictly: a missing field, a field of another type, a number out of range and a field nobody asked
// for are each a UsageError that names it.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxscope::protocol {

// A whole line to an object. Refuses what is no JSON, no object, nested deeper than any message is, or too long.
nlohmann::json parseLine(std::string_view line, const std::string& where);

// Text that came from elsewhere may hold bytes that are not UTF-8; a line never does.
std::string dumpLine(const nlohmann::json& object);

class Fields {
public:
    Fields(const nlohmann::json& object, std::string where);

    bool has(std::string_view name) const;
    std::string text(std::string_view name);
    std::string text(std::string_view name, std::string absent);
    bool flag(std::string_view name);
    template <class Integer = std::int64_t>
    Integer integer(std::string_view name, Integer least = 0) {
        constexpr Integer most = std::numeric_limits<Integer>::max();
        constexpr auto widest = std::numeric_limits<std::int64_t>::max();
        return static_cast<Integer>(
            bounded(name, static_cast<std::int64_t>(least),
                    std::in_range<std::int64_t>(most) ? static_cast<std::int64_t>(most) : widest));
    }
    double number(std::string_view name);  // from 0 up
    std::vector<std::string> texts(std::string_view name);
    const nlohmann::json& any(std::string_view name);
    // Every field has been asked for by now.
    void end() const;

    [[noreturn]] void wrong(std::string_view name, const std::string& problem) const;

private:
    std::int64_t bounded(std::string_view name, std::int64_t least, std::int64_t most);

    const nlohmann::json& object_;
    std::string where_;
    std::set<std::string, std::less<>> read_;
};

// "v" is ours. Another one is refused before anything else of the line is judged.
void requireVersion(Fields& fields);

}  // namespace fluxscope::protocol
