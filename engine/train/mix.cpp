#include "engine/train/mix.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <algorithm>
#include <charconv>

namespace fluxscope::train {
namespace {

const char* const kSee = "docs/training.md lists the fields, under Data";

std::vector<tasks::TaskSpec> specsOf(const nlohmann::json& json, const JsonFields& part, const char* field) {
    std::vector<tasks::TaskSpec> specs;
    const std::string where = part.file() + ": " + part.prefix() + field;
    const auto add = [&](const nlohmann::json& task) {
        if (!task.is_string()) part.refuse(field, "is no task, nor a list of them", kSee);
        specs.push_back(tasks::parseTask(task.get_ref<const std::string&>(), where));
    };
    if (json.is_array())
        for (const nlohmann::json& task : json) add(task);
    else
        add(json);
    if (specs.empty()) part.refuse(field, "names no task", kSee);
    return specs;
}

GeneratedPart generatedOf(const JsonFields& part) {
    GeneratedPart generated;
    if (part.has("up_to"))
        for (const auto& [limit, tasks] : part.object("up_to").json().items()) {
            TaskVariants variants{.upTo = 0, .specs = specsOf(tasks, part, "up_to")};
            const auto [end, failed] =
                std::from_chars(limit.data(), limit.data() + limit.size(), variants.upTo);
            if (failed != std::errc{} || end != limit.data() + limit.size() || variants.upTo < 1)
                part.refuse("up_to", "has '" + printable(limit, 40) + "', which is no length in tokens",
                            kSee);
            generated.variants.push_back(std::move(variants));
        }
    std::sort(generated.variants.begin(), generated.variants.end(),
              [](const TaskVariants& a, const TaskVariants& b) { return a.upTo < b.upTo; });
    generated.variants.push_back({.upTo = 0, .specs = specsOf(part.at("task"), part, "task")});
    const std::string form = part.textOr("form", "training");
    if (form != "training" && form != "prompt")
        part.refuse("form", "is " + printable(form, 40) + ", not training or prompt", kSee);
    generated.form = form == "prompt" ? MixForm::Prompt : MixForm::Training;
    return generated;
}

PromptsPart promptsOf(const JsonFields& part, const std::filesystem::path& base) {
    PromptsPart prompts{.file = base / part.text("prompts"), .split = std::nullopt};
    if (!part.has("split")) return prompts;
    const std::string split = part.text("split");
    if (split != "tune" && split != "test")
        part.refuse("split", "is " + printable(split, 40) + ", not tune or test", kSee);
    prompts.split = split == "tune" ? PromptSplit::Tune : PromptSplit::Test;
    return prompts;
}

void refuseUnknown(const JsonFields& part, std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : part.json().items())
        if (std::find(known.begin(), known.end(), name) == known.end())
            throw InputError(part.file(), part.prefix() + printable(name, 40),
                             "is no field of such a part of a mixture", kSee);
}

MixPart partOf(const std::string& name, const JsonFields& fields, const std::filesystem::path& base) {
    MixPart part{.name = name, .content = {}};
    part.answerWeight = fields.numberOr("answer_weight", 0, 1e6, part.answerWeight);
    part.textWeight = fields.numberOr("text_weight", 0, 1e6, part.textWeight);
    const int kinds = int{fields.has("task")} + int{fields.has("prompts")} + int{fields.has("folder")};
    if (kinds != 1)
        throw InputError(fields.file(), fields.prefix() + "task",
                         "or prompts or folder must be there, and one of them only", kSee);
    if (fields.has("task")) {
        refuseUnknown(fields, {"task", "up_to", "form", "answer_weight", "text_weight"});
        part.content = generatedOf(fields);
    } else if (fields.has("prompts")) {
        refuseUnknown(fields, {"prompts", "split", "answer_weight", "text_weight"});
        part.content = promptsOf(fields, base);
    } else {
        refuseUnknown(fields, {"folder", "text_weight"});
        part.content = FolderPart{base / fields.text("folder")};
    }
    return part;
}

}  // namespace

const TaskVariants& GeneratedPart::at(std::int64_t length) const {
    for (const TaskVariants& some : variants)
        if (length <= some.upTo) return some;
    return variants.back();
}

Mix mixOf(const nlohmann::json& json, const std::string& where, const std::filesystem::path& base) {
    const JsonFields fields(json, where);
    Mix mix{.parts = {}, .text = json.dump()};
    for (const auto& [name, value] : json.items()) {
        if (!value.is_object()) fields.refuse(name.c_str(), "is no object", kSee);
        mix.parts.push_back(partOf(name, JsonFields(value, where, name + "."), base));
    }
    if (mix.parts.empty())
        throw InputError(where, "", "names nothing to learn from", "name at least one part, such as a task");
    return mix;
}

Mix readMix(const std::filesystem::path& file) {
    return mixOf(readJsonObject(file, 1 << 20), file.string(), file.parent_path());
}

}  // namespace fluxscope::train
