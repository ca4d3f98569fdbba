#include "engine/contract/sampling.h"

#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

namespace fluxscope {
namespace {

using Json = nlohmann::json;

std::string shown(double number) { return Json(number).dump(); }

void require(bool holds, const char* option, const std::string& is, const char* remedy) {
    if (!holds) throw UsageError(option, "", "is " + is, remedy);
}

// Fields of somebody's JSON, by type.
class Fields {
public:
    Fields(const Json& json, const std::string& where, const char* remedy)
        : json_(json), where_(where), remedy_(remedy) {
        if (!json.is_object()) throw InputError(where, "", "is not a JSON object", remedy);
    }

    double number(const char* name, double otherwise) const {
        const Json* const value = find(name);
        if (value == nullptr) return otherwise;
        if (!value->is_number()) refuse(name, "is not a number");
        return value->get<double>();
    }
    std::int32_t count(const char* name, std::int32_t otherwise) const {
        const double value = number(name, otherwise);
        if (value != std::floor(value) || value < 0 || value > std::numeric_limits<std::int32_t>::max())
            refuse(name, "is " + shown(value) + ", not a whole number from 0");
        return static_cast<std::int32_t>(value);
    }
    bool flag(const char* name, bool otherwise) const {
        const Json* const value = find(name);
        if (value == nullptr) return otherwise;
        if (!value->is_boolean()) refuse(name, "is not true or false");
        return value->get<bool>();
    }
    // A text, or a list of them.
    std::vector<std::string> texts(const char* name) const {
        const Json* const value = find(name);
        if (value == nullptr) return {};
        std::vector<std::string> all;
        for (const Json& item : value->is_array() ? *value : Json::array({*value})) {
            if (!item.is_string()) refuse(name, "is not a text or a list of texts");
            all.push_back(item.get<std::string>());
        }
        return all;
    }

    // The whole, checked; what is out of range is the file's fault, not the command line's.
    SamplingOptions checked(const SamplingOptions& options) const {
        try {
            requireUsable(options);
        } catch (const UsageError& e) {
            throw InputError(where_, e.where().substr(2), e.problem(), e.remedy());
        }
        return options;
    }

private:
    const Json* find(const char* name) const {
        const auto found = json_.find(name);
        return found == json_.end() || found->is_null() ? nullptr : &*found;
    }
    [[noreturn]] void refuse(const char* name, const std::string& problem) const {
        throw InputError(where_, name, problem, remedy_);
    }

    const Json& json_;
    const std::string& where_;
    const char* remedy_;
};

}  // namespace

void requireUsable(const SamplingOptions& options) {
    require(options.temperature >= 0 && options.temperature <= 1000, "--temperature",
            shown(options.temperature), "give 0 for the most probable token, or up to 1000");
    require(options.topK >= 0, "--top-k", std::to_string(options.topK),
            "give a number of tokens, or 0 for all");
    require(options.topP > 0 && options.topP <= 1, "--top-p", shown(options.topP),
            "give a probability above 0, or 1 for all tokens");
    require(options.minP >= 0 && options.minP <= 1, "--min-p", shown(options.minP),
            "give a share from 0 to 1");
    require(options.repetitionPenalty > 0 && options.repetitionPenalty <= 1000, "--repetition-penalty",
            shown(options.repetitionPenalty), "give a number above 0; 1 changes nothing");
    for (const std::string& stop : options.stop)
        require(!stop.empty(), "--stop", "an empty text", "give the text to stop before");
}

Json toJson(const SamplingOptions& options) {
    return {{"temperature", options.temperature},
            {"top_k", options.topK},
            {"top_p", options.topP},
            {"min_p", options.minP},
            {"repetition_penalty", options.repetitionPenalty},
            {"stop", options.stop}};
}

SamplingOptions samplingFromJson(const Json& json, const std::string& where) {
    const Fields fields(json, where, "give the sampling as it was written");
    const SamplingOptions usual;
    return fields.checked({.temperature = fields.number("temperature", usual.temperature),
                           .topK = fields.count("top_k", usual.topK),
                           .topP = fields.number("top_p", usual.topP),
                           .minP = fields.number("min_p", usual.minP),
                           .repetitionPenalty = fields.number("repetition_penalty", usual.repetitionPenalty),
                           .stop = fields.texts("stop")});
}

SamplingOptions samplingOfGenerationConfig(const Json& config, const std::string& file) {
    const Fields fields(config, file, "use the generation_config.json that came with the model");
    const bool samples = fields.flag("do_sample", false);
    return fields.checked({.temperature = samples ? fields.number("temperature", 1) : 0,
                           .topK = samples ? fields.count("top_k", 50) : 0,
                           .topP = samples ? fields.number("top_p", 1) : 1,
                           .minP = samples ? fields.number("min_p", 0) : 0,
                           .repetitionPenalty = fields.number("repetition_penalty", 1),
                           .stop = fields.texts("stop_strings")});
}

}  // namespace fluxscope
