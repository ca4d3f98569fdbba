#include "engine/train/training_file.h"

#include "engine/checkpoint/safetensors_writer.h"
#include "engine/contract/error.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <cstring>

namespace fluxscope::train {
namespace {

const char* const kFormat = "fluxscope-training-1";
const char* const kStartAgain = "start the training again in a new folder";

}  // namespace

void saveTraining(const std::filesystem::path& file, const Parameters& tensors, const std::string& state) {
    std::vector<at::Tensor> host;  // keeps the copies alive until they are written
    std::vector<TensorToWrite> entries;
    for (const Parameter& tensor : tensors) {
        host.push_back(tensor.value.detach().to(at::kCPU, at::kFloat).contiguous());
        entries.push_back({.name = tensor.name,
                           .typeName = "F32",
                           .shape = host.back().sizes().vec(),
                           .data = host.back().const_data_ptr(),
                           .bytes = static_cast<std::int64_t>(host.back().nbytes())});
    }
    saveSafetensors(file, entries, {{"format", kFormat}, {"state", state}});
}

TrainingFile::TrainingFile(const std::filesystem::path& file)
    : file_(file.string()), content_(openSafetensors(file)) {
    const auto format = content_.metadata.find("format");
    const auto state = content_.metadata.find("state");
    if (format == content_.metadata.end() || format->second != kFormat || state == content_.metadata.end())
        throw InputError(file_, "__metadata__.format", "is no checkpoint of a training", kStartAgain);
    state_ = state->second;
}

void TrainingFile::copyTo(const Parameters& tensors) const {
    const c10::NoGradGuard noGradient;
    std::vector<const StoredTensor*> found;
    for (const Parameter& tensor : tensors) {
        const auto place = content_.tensors.find(tensor.name);
        if (place == content_.tensors.end()) throw InputError(file_, tensor.name, "is missing", kStartAgain);
        const StoredTensor& stored = place->second;
        if (stored.shape != tensor.value.sizes().vec() || stored.type != StoredType::F32)
            throw InputError(file_, tensor.name,
                             "is " + printable(stored.typeName, 20) + " of shape " + shapeText(stored.shape) +
                                 ", and this training has F32 of " + shapeText(tensor.value.sizes().vec()),
                             kStartAgain);
        found.push_back(&stored);
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const at::Tensor host = at::empty(found[i]->shape, at::kFloat);
        std::memcpy(host.mutable_data_ptr(), found[i]->data, static_cast<std::size_t>(found[i]->bytes));
        tensors[i].value.copy_(host);
    }
}

}  // namespace fluxscope::train
