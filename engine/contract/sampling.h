// How the next token is drawn from what the model thinks of all of them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope {

// The most probable token always, unless there is a temperature. The steps come in this order, which is that of transformers:
// repetition penalty, temperature, top-k, top-p, min-p.
struct SamplingOptions {
    double temperature = 0;         // 0: the most probable token
    std::int32_t topK = 0;          // of so many tokens; 0: of all
    double topP = 1;                // of the fewest that have this probability together
    double minP = 0;                // of those at least this times as probable as the first
    double repetitionPenalty = 1;   // divides what a token of the text so far is worth
    std::vector<std::string> stop;  // the answer ends before any of these

    bool greedy() const { return temperature == 0; }
    friend bool operator==(const SamplingOptions&, const SamplingOptions&) = default;
};

// Throws UsageError naming the option.
void requireUsable(const SamplingOptions& options);

nlohmann::json toJson(const SamplingOptions& options);
// As toJson wrote it; absent fields keep their defaults. `where` is for messages. Throws InputError.
SamplingOptions samplingFromJson(const nlohmann::json& json, const std::string& where);

// What the model's makers recommend: a generation_config.json, with transformers' own defaults for what it leaves out (without
// do_sample it is greedy; with it temperature 1 and top-k 50). Throws InputError.
SamplingOptions samplingOfGenerationConfig(const nlohmann::json& config, const std::string& file);

}  // namespace fluxscope
