#include "app/cli/token_ids.h"

#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace fluxscope::cli {

namespace {

const char* const kRemedy = "give an array of token ids, as `fluxscope-cli tokenize` writes it";

nlohmann::json parsed(std::string_view text, const std::string& where) {
    nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) throw InputError{where, "", "is not JSON", kRemedy};
    return json;
}

std::vector<TokenId> idsOf(const nlohmann::json& json, const std::string& where) {
    const bool wrapped = json.is_object() && json.contains("ids");
    const nlohmann::json& array = wrapped ? json["ids"] : json;
    if (!array.is_array()) throw InputError{where, wrapped ? "ids" : "", "is not an array", kRemedy};
    std::vector<TokenId> ids;
    for (const nlohmann::json& id : array) {
        const bool fits = id.is_number_integer() && id.get<std::int64_t>() >= 0 &&
                          id.get<std::int64_t>() <= std::numeric_limits<std::int32_t>::max();
        if (!fits)
            throw InputError{where, "entry " + std::to_string(ids.size()), "is not a token id", kRemedy};
        ids.push_back(TokenId::of(id.get<std::int64_t>()));
    }
    return ids;
}

}  // namespace

std::vector<TokenId> tokenIdsFrom(std::string_view json, const std::string& where) {
    return idsOf(parsed(json, where), where);
}

std::vector<std::vector<TokenId>> tokenIdListsFrom(std::string_view json, const std::string& where) {
    const nlohmann::json all = parsed(json, where);
    if (!all.is_array() || all.empty() || all.front().is_number()) return {idsOf(all, where)};
    std::vector<std::vector<TokenId>> lists;
    for (const nlohmann::json& one : all)
        lists.push_back(idsOf(one, where + ": prompt " + std::to_string(lists.size() + 1)));
    return lists;
}

}  // namespace fluxscope::cli
