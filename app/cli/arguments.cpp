#include "app/cli/arguments.h"

#include "app/start/sample.h"
#include "engine/contract/error.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

namespace fluxscope::cli {

void ModelOption::declare(CLI::App& command) { command.add_option("MODEL", given, kModelHelp)->required(); }

std::filesystem::path ModelOption::folder() const { return modelFolder(given); }

void AttentionOptions::declare(CLI::App& command) {
    command.add_option("--policy", policy,
                       std::string("Who decides between full and sparse: ") + kPolicyForms +
                           ". Without it: routed where the model has routers, else full");
    command.add_option("--sparse", sparse, kSparseHelp);
}

Policy AttentionOptions::policyFor(bool modelHasRouters) const {
    if (!policy.empty()) return parsePolicy(policy);
    return modelHasRouters ? Policy{RoutedPolicy{}} : Policy{FullPolicy{}};
}

std::optional<SparseForm> AttentionOptions::sparseForm() const {
    if (sparse.empty()) return std::nullopt;
    return parseSparseForm(sparse);
}

void AttentionOptions::requireReadable() const {
    policyFor(false);
    sparseForm();
}

void DeviceOptions::declare(CLI::App& command) {
    command.add_option("--device", device, "cpu or cuda")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
    command
        .add_option("--dtype", dtype,
                    "fp32, bf16 or fp16; without it fp32 on the CPU, the checkpoint's on CUDA")
        ->check(CLI::IsMember({"fp32", "bf16", "fp16"}));
}

std::string contentOf(const std::string& file) {
    if (file == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
    std::ostringstream content;
    std::ifstream in(file, std::ios::binary);
    if (!in || std::filesystem::is_directory(file) || !(content << in.rdbuf()))
        throw InputError{file, "", "cannot be read, or is empty", "check the path"};
    return content.str();
}

}  // namespace fluxscope::cli
