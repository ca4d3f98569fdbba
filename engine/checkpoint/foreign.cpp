#include "engine/checkpoint/foreign.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <algorithm>
#include <array>
#include <vector>

namespace fluxscope {
namespace {

const char* const kGiveFolder = "give the folder of a Hugging Face model";
constexpr const char* kUnquantized = "use the fp32, bf16 or fp16 weights that it was quantized from";

struct Quantization {
    const char* method;  // as in quantization_config.quant_method
    const char* name;
    const char* remedy;
};

constexpr std::array<Quantization, 4> kQuantizations = {
    {{"awq", "AWQ", kUnquantized},
     {"gptq", "GPTQ", kUnquantized},
     {"fp8", "FP8", "use the bf16 weights, or widen these to bf16 with the publisher's script"},
     {"bitsandbytes", "bitsandbytes",
      "use the weights that it was quantized from, or save it again dequantized"}}};

// The files of a folder, by name; none where it cannot be listed.
std::vector<std::string> filesOf(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(folder, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
        names.push_back(entry->path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

bool endsWithAny(const std::string& name, std::initializer_list<const char*> ends) {
    return std::any_of(ends.begin(), ends.end(), [&name](const char* end) { return name.ends_with(end); });
}

void refuseFile(const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    if (name.ends_with(".gguf"))
        throw InputError(file.string(), "", "is a GGUF file, which is not read",
                         "give the Hugging Face folder that it was made from");
    if (endsWithAny(name, {".bin", ".pt", ".pth", ".ckpt", ".pkl"}))
        throw InputError(file.string(), "", "is a pickle, and pickled checkpoints are never read",
                         "convert the weights to safetensors");
}

}  // namespace

void refuseQuantized(const JsonFields& config) {
    if (!config.has("quantization_config")) return;
    const JsonFields quantization = config.object("quantization_config");
    const bool loose =
        quantization.flagOr("load_in_4bit", false) || quantization.flagOr("load_in_8bit", false);
    const std::string method =
        quantization.textOr("quant_method", loose ? "bitsandbytes" : "an unnamed method");
    std::string name = printable(method, 40);
    std::string remedy = kUnquantized;
    for (const Quantization& known : kQuantizations) {
        if (method != known.method) continue;
        name = known.name;
        remedy = known.remedy;
    }
    config.refuse("quantization_config",
                  "says that the weights are quantized (" + name + "), which is not read", remedy);
}

void refuseQuantizedTensors(const std::map<std::string, StoredTensor>& tensors) {
    for (const auto& [name, tensor] : tensors) {
        if (endsWithAny(name, {".qweight", ".qzeros"}))
            throw InputError(tensor.file, name, "holds packed integers (AWQ or GPTQ), which are not read",
                             kUnquantized);
        if (endsWithAny(name, {".weight_scale_inv", ".weight_scale"}))
            throw InputError(tensor.file, name,
                             "scales quantized weights (FP8 or the like), which are not read", kUnquantized);
        if (name.find(".weight.quant_state.") != std::string::npos || name.ends_with(".SCB"))
            throw InputError(tensor.file, name,
                             "belongs to bitsandbytes' quantized weights, which are not read", kUnquantized);
    }
}

void refuseForeignFiles(const std::filesystem::path& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        refuseFile(folder);
        if (folder.extension() == ".safetensors")
            throw InputError(folder.string(), "", "is a file of weights alone",
                             "give the folder in which it lies");
        throw InputError(folder.string(), "", "is not a folder", kGiveFolder);
    }
    const std::vector<std::string> names = filesOf(folder);
    const auto has = [&names](const char* name) {
        return std::binary_search(names.begin(), names.end(), name);
    };
    const bool weights = std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return name.starts_with("model") && endsWithAny(name, {".safetensors", ".safetensors.index.json"});
    });
    if (weights && has("config.json")) return;
    if (has("adapter_config.json"))
        throw InputError(folder.string(), "adapter_config.json", "makes it an adapter (LoRA), not a model",
                         "merge it into its base model and give that folder");
    if (weights) return;
    for (const std::string& name : names) refuseFile(folder / name);
}

}  // namespace fluxscope
