#include "app/cli/token_ids.h"

#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace fluxscope::cli {

std::vector<TokenId> tokenIdsFrom(std::string_view json, const std::string& where) {
    const char* const remedy = "give an array of token ids, as `fluxscope-cli tokenize` writes it";
    const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
    if (parsed.is_discarded()) throw InputError{where, "", "is not JSON", remedy};
    const bool wrapped = parsed.is_object() && parsed.contains("ids");
    const nlohmann::json& array = wrapped ? parsed["ids"] : parsed;
    if (!array.is_array()) throw InputError{where, wrapped ? "ids" : "", "is not an array", remedy};
    std::vector<TokenId> ids;
    for (const nlohmann::json& id : array) {
        const bool fits = id.is_number_integer() && id.get<std::int64_t>() >= 0 &&
                          id.get<std::int64_t>() <= std::numeric_limits<std::int32_t>::max();
        if (!fits)
            throw InputError{where, "entry " + std::to_string(ids.size()), "is not a token id", remedy};
        ids.push_back(TokenId::of(id.get<std::int64_t>()));
    }
    return ids;
}

}  // namespace fluxscope::cli
