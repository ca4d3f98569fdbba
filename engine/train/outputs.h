// What a training leaves behind, in the forms that are read elsewhere:
//
//   router.safetensors   beside any Hugging Face folder (engine/checkpoint/routers.h reads it)
//   a Paw* folder        backbone and routers in one checkpoint, as Flux Attention publishes them
//   model.safetensors    a backbone that was trained from scratch, beside the config.json that it was made from
#pragma once

#include "engine/train/parameters.h"
#include "engine/train/plan.h"

#include <filesystem>

namespace fluxscope::train {

// Tensors in fp32, for the backbone of this checkpoint.
void writeRouterFile(const std::filesystem::path& file, const Checkpoint& backbone, const Parameters& routers,
                     const RouterPlan& plan);

// Copies `model` (its weights, its routers left out, and every small file beside them) to the new folder `into`, with the routers
// in fp32 and with the fields of config.json that the published classes want. Throws UsageError where Flux Attention has no
// class for the architecture, or no word for the sparse form: by tokens.
void writePawFolder(const std::filesystem::path& into, const std::filesystem::path& model,
                    const Parameters& routers, const RouterPlan& plan);

// FOLDER/model.safetensors in bf16, each number rounded to nearest.
void writeBackbone(const std::filesystem::path& folder, const Parameters& backbone);

}  // namespace fluxscope::train
