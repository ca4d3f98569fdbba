#include "engine/train/outputs.h"

#include "engine/checkpoint/json_file.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <system_error>

namespace fluxscope::train {
namespace {

// Tensors on the host as bytes to write; the copies live as long as this does.
class HostTensors {
public:
    HostTensors(const Parameters& parameters, at::ScalarType type) {
        for (const Parameter& parameter : parameters) {
            const at::Tensor host = parameter.value.detach().to(at::kCPU, type).contiguous();
            host_.push_back(host);
            entries.push_back({.name = parameter.name,
                               .typeName = type == at::kBFloat16 ? "BF16" : "F32",
                               .shape = host.sizes().vec(),
                               .data = host.const_data_ptr(),
                               .bytes = static_cast<std::int64_t>(host.nbytes())});
        }
    }

    std::vector<TensorToWrite> entries;

private:
    std::vector<at::Tensor> host_;
};

std::string pawArchitecture(const Checkpoint& model, const std::string& where) {
    const std::string& name = model.config.architecture;
    if (name == "LlamaForCausalLM" || name == "PawLlamaForCausalLM") return "PawLlamaForCausalLM";
    if (name == "Qwen3ForCausalLM" || name == "PawQwen3ForCausalLM") return "PawQwen3ForCausalLM";
    throw UsageError(where, "architectures", "names " + name + ", for which Flux Attention has no class",
                     "use router.safetensors beside the model");
}

nlohmann::json pawConfig(const std::filesystem::path& model, const std::string& architecture,
                         const RouterPlan& plan) {
    nlohmann::json config = readJsonObject(model / "config.json", std::int64_t{16} << 20);
    config["architectures"] = {architecture};
    config["toggle_type"] = "streaming";
    config["retrieval_mode"] = "full";
    config["pooling_mode"] = "ctx_q";
    config["use_softmax"] = true;
    config["pool_size"] = plan.poolSize;
    config["sink_size"] = plan.sparse.sink;
    config["local_window_size"] = plan.sparse.window;
    config["enable_ada_sparsity"] = true;
    config["enable_lambda_task"] = true;
    config["use_task_emb_for_mask"] = false;
    config["triangle_n_last"] = plan.sparse.last;
    config["disable_linear_regularization_term"] =
        false;  // without it the published Qwen class does not load
    config["suggested_sparsity"] = nullptr;
    return config;
}

bool holdsWeights(const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return file.extension() == ".safetensors" || name == "model.safetensors.index.json" ||
           name == "config.json";
}

void copySmallFiles(const std::filesystem::path& from, const std::filesystem::path& into) {
    for (const auto& entry : std::filesystem::directory_iterator(from))
        if (entry.is_regular_file() && !holdsWeights(entry.path()) &&
            entry.file_size() < (std::uintmax_t{64} << 20))
            std::filesystem::copy_file(entry.path(), into / entry.path().filename(),
                                       std::filesystem::copy_options::overwrite_existing);
}

}  // namespace

void writeRouterFile(const std::filesystem::path& file, const Checkpoint& backbone, const Parameters& routers,
                     const RouterPlan& plan) {
    const HostTensors tensors(routers, at::kFloat);
    saveSafetensors(file, tensors.entries,
                    {{"backbone", backbone.facts.hash},
                     {"pool_size", std::to_string(plan.poolSize)},
                     {"sparse", shortForm(plan.sparse)},
                     {"use_softmax", "true"}});
}

void writePawFolder(const std::filesystem::path& into, const std::filesystem::path& model,
                    const Parameters& routers, const RouterPlan& plan) {
    const Checkpoint checkpoint = openCheckpoint(model);
    const std::string architecture = pawArchitecture(checkpoint, model.string());
    if (plan.sparse.granularity != Granularity::Block)
        throw UsageError(
            into.string(), "local_window_size",
            "counts blocks of 128 in Flux Attention's checkpoints, and these routers were trained by tokens",
            "train with granularity=block, or use router.safetensors beside the model");
    std::error_code failed;
    std::filesystem::create_directories(into, failed);
    if (failed || std::filesystem::equivalent(into, model, failed))
        throw UsageError(into.string(), "", "is the model's own folder or cannot be made",
                         "name a new folder");
    copySmallFiles(model, into);
    saveWhole(into / "config.json", pawConfig(model, architecture, plan).dump(2) + "\n");

    const HostTensors added(routers, at::kFloat);
    std::vector<TensorToWrite> entries;
    for (const auto& [name, tensor] : checkpoint.tensors)
        if (!isRouterTensor(name))
            entries.push_back({.name = name,
                               .typeName = tensor.typeName,
                               .shape = tensor.shape,
                               .data = tensor.data,
                               .bytes = tensor.bytes});
    entries.insert(entries.end(), added.entries.begin(), added.entries.end());
    // Wide numbers first: every tensor then begins at a multiple of its own size.
    std::stable_sort(entries.begin(), entries.end(), [](const TensorToWrite& a, const TensorToWrite& b) {
        return (a.typeName == "F32") > (b.typeName == "F32");
    });
    saveSafetensors(into / "model.safetensors", entries, {{"format", "pt"}});
}

void writeBackbone(const std::filesystem::path& folder, const Parameters& backbone) {
    const HostTensors tensors(backbone, at::kBFloat16);
    saveSafetensors(folder / "model.safetensors", tensors.entries, {{"format", "pt"}});
}

}  // namespace fluxscope::train
