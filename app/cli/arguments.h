// Options that several subcommands share, and how their text becomes a value.
#pragma once

#include "engine/contract/policy.h"
#include "engine/contract/prompt_set.h"
#include "engine/contract/sparse_form.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope::cli {

inline constexpr const char* kModelHelp = "A model's folder in Hugging Face form, or 'sample'";
inline constexpr const char* kSparseHelp =
    "How a sparse layer attends: streaming:sink=N,window=N,granularity=token|block[,decode=dense]. "
    "Without it: what the routers were trained for";

struct ModelOption {
    std::string given;
    void declare(CLI::App& command);
    std::filesystem::path folder() const;
};

struct AttentionOptions {
    std::string policy;
    std::string sparse;
    void declare(CLI::App& command);
    Policy policyFor(bool modelHasRouters) const;
    std::optional<SparseForm> sparseForm() const;
    void requireReadable() const;  // throws what the two above would
};

struct DeviceOptions {
    std::string device = "cpu";
    std::string dtype;  // empty: the engine's choice for the device
    void declare(CLI::App& command);
};

// A whole file, byte for byte; "-" is stdin. Throws InputError.
std::string contentOf(const std::string& file);

}  // namespace fluxscope::cli
