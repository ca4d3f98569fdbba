#pragma once

#include "engine/contract/observer.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace fluxscope::protocol {

ModelFacts modelFactsFromJson(const nlohmann::json& json, const std::string& where);

}  // namespace fluxscope::protocol
