// What a training needs to go on as if it had never stopped: one safetensors file with the trained tensors, the optimizer's, and
// in its metadata the rest of the state as JSON. One file, written beside and renamed: after kill -9 the last one is whole.
#pragma once

#include "engine/checkpoint/safetensors.h"
#include "engine/train/parameters.h"

#include <filesystem>
#include <string>

namespace fluxscope::train {

// Throws MachineError when it cannot be written; the one before is intact then.
void saveTraining(const std::filesystem::path& file, const Parameters& tensors, const std::string& state);

// A checkpoint that is there. Throws InputError when it is none.
class TrainingFile {
public:
    explicit TrainingFile(const std::filesystem::path& file);

    const std::string& state() const { return state_; }
    // Into the tensors of the same names; all of them or none. Throws InputError when one is missing or has another shape.
    void copyTo(const Parameters& tensors) const;

private:
    std::string file_;
    SafetensorsFile content_;
    std::string state_;
};

}  // namespace fluxscope::train
