#include "engine/checkpoint/json_file.h"

#include "engine/contract/error.h"

#include <cmath>
#include <fstream>
#include <unordered_set>
#include <vector>

namespace fluxscope {
namespace {

constexpr int kDeepest = 64;
const char* const kDownloadAgain = "download the model again, or use the file that came with its weights";

std::string rangeText(auto least, auto most) {
    return "a number from " + nlohmann::json(least).dump() + " to " + nlohmann::json(most).dump();
}

std::string shown(const nlohmann::json& value) {
    return printable(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 40);
}

}  // namespace

JsonFields::JsonFields(const nlohmann::json& object, std::string file, std::string prefix)
    : object_(&object), file_(std::move(file)), prefix_(std::move(prefix)) {}

void JsonFields::refuse(const char* field, const std::string& problem, const std::string& remedy) const {
    throw InputError(file_, prefix_ + field, problem, remedy);
}

bool JsonFields::has(const char* field) const {
    const auto found = object_->find(field);
    return found != object_->end() && !found->is_null();
}

const nlohmann::json& JsonFields::at(const char* field) const {
    if (!has(field)) refuse(field, "is missing", kDownloadAgain);
    return *object_->find(field);
}

std::int64_t JsonFields::integer(const char* field, std::int64_t least, std::int64_t most) const {
    const nlohmann::json& value = at(field);
    // Some writers store counts as 150.0.
    const bool whole =
        value.is_number_integer() ||
        (value.is_number_float() && std::isfinite(value.get<double>()) &&
         std::abs(value.get<double>()) < 1e15 && value.get<double>() == std::floor(value.get<double>()));
    const bool huge =
        value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    const std::int64_t number = whole && !huge ? value.get<std::int64_t>() : 0;
    if (!whole || huge || number < least || number > most)
        refuse(field,
               "is " + shown(value) + ", not " + (whole ? "" : "a whole number, which must be ") +
                   rangeText(least, most),
               kDownloadAgain);
    return number;
}

std::int64_t JsonFields::integerOr(const char* field, std::int64_t least, std::int64_t most,
                                   std::int64_t otherwise) const {
    return has(field) ? integer(field, least, most) : otherwise;
}

double JsonFields::number(const char* field, double least, double most) const {
    const nlohmann::json& value = at(field);
    if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most))
        refuse(field, "is " + shown(value) + ", not " + rangeText(least, most), kDownloadAgain);
    return value.get<double>();
}

double JsonFields::numberOr(const char* field, double least, double most, double otherwise) const {
    return has(field) ? number(field, least, most) : otherwise;
}

bool JsonFields::flagOr(const char* field, bool otherwise) const {
    if (!has(field)) return otherwise;
    if (!at(field).is_boolean())
        refuse(field, "is " + shown(at(field)) + ", not true or false", kDownloadAgain);
    return at(field).get<bool>();
}

std::string JsonFields::text(const char* field) const {
    if (!at(field).is_string()) refuse(field, "is " + shown(at(field)) + ", not a text", kDownloadAgain);
    return at(field).get<std::string>();
}

std::string JsonFields::textOr(const char* field, const std::string& otherwise) const {
    return has(field) ? text(field) : otherwise;
}

JsonFields JsonFields::object(const char* field) const {
    if (!at(field).is_object()) refuse(field, "is " + shown(at(field)) + ", not an object", kDownloadAgain);
    return {at(field), file_, prefix_ + field + "."};
}

std::string readWholeFile(const std::filesystem::path& file, std::int64_t mostBytes) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error))
        throw InputError(file.string(), "", "is not there or is not a file",
                         "give the folder of a Hugging Face model");
    std::ifstream in(file, std::ios::binary);
    if (!in) throw InputError(file.string(), "", "cannot be read", "check its permissions");
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file, error));
    if (error || size > mostBytes)
        throw InputError(file.string(), "",
                         "is " + std::to_string(size >> 20) + " MiB, more than the " +
                             std::to_string(mostBytes >> 20) + " MiB such a file may have",
                         kDownloadAgain);
    std::string text(static_cast<std::size_t>(size), '\0');
    in.read(text.data(), size);
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

nlohmann::json parseJsonObject(std::string_view text, const std::string& file) {
    // The keys met so far of every object that is still open: a parser that keeps one of two values reads another file than
    // the one beside it.
    std::vector<std::unordered_set<std::string>> open;
    const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
        if (depth > kDeepest) throw InputError(file, "", "nests deeper than 64 levels", kDownloadAgain);
        if (event == nlohmann::json::parse_event_t::object_start) open.emplace_back();
        if (event == nlohmann::json::parse_event_t::object_end) open.pop_back();
        if (event == nlohmann::json::parse_event_t::key)
            if (const auto& key = parsed.get_ref<const std::string&>(); !open.back().insert(key).second)
                throw InputError(file, key, "stands there twice", kDownloadAgain);
        return true;
    };
    try {
        nlohmann::json json = nlohmann::json::parse(text, check);
        if (!json.is_object()) throw InputError(file, "", "is not a JSON object", kDownloadAgain);
        return json;
    } catch (const nlohmann::json::exception& e) {
        throw InputError(file, "", "is not JSON (" + printable(e.what(), 160) + ")", kDownloadAgain);
    }
}

nlohmann::json readJsonObject(const std::filesystem::path& file, std::int64_t mostBytes) {
    return parseJsonObject(readWholeFile(file, mostBytes), file.string());
}

}  // namespace fluxscope
