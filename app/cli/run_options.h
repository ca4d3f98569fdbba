// The options of `run`, and the request they make.
#pragma once

#include "app/cli/arguments.h"
#include "engine/contract/run.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope::cli {

// What of the sampling was said; the rest is greedy, or as the model's makers recommend.
struct SamplingFlags {
    std::string from = "greedy";  // or "model"
    std::optional<double> temperature;
    std::optional<std::int32_t> topK;
    std::optional<double> topP;
    std::optional<double> minP;
    std::optional<double> repetitionPenalty;
    std::vector<std::string> stop;

    SamplingOptions over(SamplingOptions options) const;
};

struct RunOptions {
    ModelOption model;
    AttentionOptions attention;
    DeviceOptions device;
    std::string prompt;
    std::string promptFile;
    std::string prompts;
    std::string replay;
    std::optional<std::int64_t> replayRun;
    std::string forceIds;
    std::vector<std::string> followUps;
    std::string turns = "keep";
    std::int32_t maxNew = 64;
    bool raw = false;
    SamplingFlags sampling;
    std::uint64_t seed = 0;
    std::int32_t batch = 1;
    std::string probe;
    bool fidelity = false;
    std::string capture;
    bool noPromptText = false;
    std::string collect = "auto";
    std::optional<std::int64_t> recordBudget;
    bool forecast = false;
    bool choices = false;
    bool json = false;

    void declare(CLI::App& command);
    bool givesPrompts() const;
    // What is misspelt or contradicts itself is said before a model is loaded. Throws UsageError.
    void requireConsistent() const;
    // Reads the files that were named. Throws UsageError, InputError.
    RunRequest request(const ModelFacts& model, const std::filesystem::path& folder) const;
};

// K or K:act. Throws UsageError.
ProbeOptions probeFrom(const std::string& text);

}  // namespace fluxscope::cli
