// What a training's data is made of, as JSON (docs/training.md, "Data"): generated tasks, prompt sets, folders of text.
#pragma once

#include "engine/contract/prompt_set.h"
#include "engine/tasks/tasks.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fluxscope::train {

// What a router is shown and what is learned from a generated task.
enum class MixForm : std::uint8_t {
    Training,  // the document and every question with its answer, all of it the prompt
    Prompt,    // as it will be asked: the prompt is the document and one question, then comes the answer
};

// A task at lengths up to a limit: of several, one is drawn for each sample.
struct TaskVariants {
    std::int64_t upTo = 0;  // tokens; 0: any length
    std::vector<tasks::TaskSpec> specs;
};

struct GeneratedPart {
    std::vector<TaskVariants> variants;  // by limit, the one without last
    MixForm form = MixForm::Training;

    const TaskVariants& at(std::int64_t length) const;
};

struct PromptsPart {
    std::filesystem::path file;
    std::optional<PromptSplit> split;  // absent: all
};

struct FolderPart {
    std::filesystem::path folder;  // every file below it that holds text
};

struct MixPart {
    std::string name;
    double answerWeight = 6;
    double textWeight = 1;
    std::variant<GeneratedPart, PromptsPart, FolderPart> content;
};

struct Mix {
    std::vector<MixPart> parts;
    std::string text;  // the JSON, in one line
};

// Paths in it are relative to the file. Throws InputError, naming file and field, UsageError for a task.
Mix readMix(const std::filesystem::path& file);
Mix mixOf(const nlohmann::json& json, const std::string& where, const std::filesystem::path& base);

}  // namespace fluxscope::train
