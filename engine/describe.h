// What a folder says about its model without its weights being read.
#pragma once

#include "engine/contract/model_description.h"

#include <filesystem>

namespace fluxscope {

// Throws InputError as Model::load() does for what stands in the headers.
ModelDescription describeModel(const std::filesystem::path& folder);

// Of FOLDER/generation_config.json; absent when there is none. Throws InputError.
std::optional<SamplingOptions> recommendedSampling(const std::filesystem::path& folder);

}  // namespace fluxscope
