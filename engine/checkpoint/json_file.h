// JSON that others wrote: read with limits, asked for fields by type and range. Every refusal is one InputError that names
// the file and the field.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fluxscope {

// An object of a file, and the path of its fields inside that file ("rope_parameters.").
class JsonFields {
public:
    JsonFields(const nlohmann::json& object, std::string file, std::string prefix = "");

    bool has(const char* field) const;  // and is not null
    std::int64_t integer(const char* field, std::int64_t least, std::int64_t most) const;
    std::int64_t integerOr(const char* field, std::int64_t least, std::int64_t most,
                           std::int64_t otherwise) const;
    double number(const char* field, double least, double most) const;
    double numberOr(const char* field, double least, double most, double otherwise) const;
    bool flagOr(const char* field, bool otherwise) const;
    std::string text(const char* field) const;
    std::string textOr(const char* field, const std::string& otherwise) const;
    JsonFields object(const char* field) const;
    const nlohmann::json& at(const char* field) const;  // throws when absent

    const nlohmann::json& json() const { return *object_; }
    const std::string& file() const { return file_; }
    const std::string& prefix() const { return prefix_; }
    [[noreturn]] void refuse(const char* field, const std::string& problem, const std::string& remedy) const;

private:
    const nlohmann::json* object_;
    std::string file_;
    std::string prefix_;
};

// Throws InputError when it is no file, larger than `mostBytes`, not JSON, nested deeper than 64, not an object, or says a
// thing twice.
nlohmann::json readJsonObject(const std::filesystem::path& file, std::int64_t mostBytes);
nlohmann::json parseJsonObject(std::string_view text, const std::string& file);

// A whole file, refused above `mostBytes`.
std::string readWholeFile(const std::filesystem::path& file, std::int64_t mostBytes);

}  // namespace fluxscope
