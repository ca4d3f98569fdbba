// `tasks generate`: tasks x lengths x samples as one prompt set, each prompt as long as asked for by the model's own tokenizer.
#include "app/cli/arguments.h"
#include "app/cli/tasks_parts.h"
#include "app/cli/whole_file.h"
#include "app/serve/task_samples.h"
#include "engine/contract/error.h"
#include "engine/tasks/tasks.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <memory>
#include <ostream>

namespace fluxscope::cli {
namespace {

struct Options {
    std::string model;
    std::string tokenizer;
    std::vector<std::string> tasks;
    std::vector<std::int64_t> lengths = {2048};
    std::int64_t samples = 10;
    std::uint64_t seed = 0;
    std::string split;
    std::string out;
    std::string answerIds;

    std::filesystem::path folder() const {
        if (model.empty() == tokenizer.empty())
            throw UsageError("tasks generate", "", "needs a MODEL or --tokenizer FOLDER, and not both",
                             "name the model whose tokens are counted");
        return model.empty() ? std::filesystem::path(tokenizer) : ModelOption{model}.folder();
    }
};

// "30:70" by sample number, so that every task and length is split alike. Of every 100 samples the shares are exact.
class Splitter {
public:
    explicit Splitter(const std::string& text) {
        if (text.empty()) return;
        const std::size_t colon = text.find(':');
        const bool read = colon != std::string::npos && number(text.substr(0, colon), tune_) &&
                          number(text.substr(colon + 1), test_) && tune_ + test_ > 0;
        if (!read)
            throw UsageError("--split", "", "'" + printable(text) + "' is not TUNE:TEST",
                             "give two shares, such as 30:70");
    }
    PromptSplit of(std::int64_t sample) const {
        if (tune_ + test_ == 0) return PromptSplit::Unsplit;
        const auto tuned = [this](std::int64_t samples) { return samples * tune_ / (tune_ + test_); };
        return tuned(sample + 1) > tuned(sample) ? PromptSplit::Tune : PromptSplit::Test;
    }

private:
    static bool number(const std::string& text, std::int64_t& value) {
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
        return failure == std::errc{} && end == text.data() + text.size() && value >= 0 && value <= 1'000'000;
    }
    std::int64_t tune_ = 0;
    std::int64_t test_ = 0;
};

void writeAnswerIds(const Options& options, const PromptSet& set, const TextCodec& codec) {
    nlohmann::json lists = nlohmann::json::array();
    for (const Prompt& prompt : set.prompts) {
        nlohmann::json ids = nlohmann::json::array();
        for (const TokenId id : answerIds(codec, prompt.answer)) ids.push_back(id.value());
        lists.push_back(std::move(ids));
    }
    writeWhole(options.answerIds, [&lists](std::ostream& out) { out << lists << '\n'; });
}

int generate(const Options& options, Session& session) {
    std::vector<tasks::TaskSpec> specs;
    for (const std::string& task : options.tasks) specs.push_back(tasks::parseTask(task, "--task"));
    const Splitter splitter(options.split);
    const TextCodec codec(options.folder());
    const tasks::TokenCounter counter = tokenCounter(codec);

    PromptSet set;
    const std::size_t all = specs.size() * options.lengths.size() * static_cast<std::size_t>(options.samples);
    for (tasks::TaskSpec& spec : specs)
        for (const std::int64_t length : options.lengths)
            for (std::int64_t number = 0; number < options.samples; ++number) {
                if (session.cancel.cancelled()) throw CancelledError("tasks generate");
                spec.length = length;
                spec.seed = options.seed;
                spec.number = number;
                set.prompts.push_back(promptOf(tasks::generate(spec, counter), splitter.of(number)));
                session.terminal.progress("generated " + std::to_string(set.prompts.size()) + " of " +
                                          std::to_string(all) + " prompts");
            }
    writeWhole(options.out, [&set](std::ostream& out) { out << toJsonl(set); });
    if (!options.answerIds.empty()) writeAnswerIds(options, set, codec);
    session.terminal.note("wrote " + std::to_string(set.prompts.size()) + " prompts into " +
                          printable(options.out, 400));
    return 0;
}

}  // namespace

void addTasksGenerate(CLI::App& tasks, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        *tasks.add_subcommand("generate", "A prompt set: tasks x lengths x samples, from a seed");
    command.add_option("MODEL", options->model, kModelHelp);
    command.add_option("--tokenizer", options->tokenizer, "Instead of MODEL: a folder with a tokenizer.json");
    command
        .add_option("--task", options->tasks,
                    "Tasks, each with parameters where wanted, such as needle:depth=0.5,facts=4; 'tasks "
                    "list' has them")
        ->required();
    command
        .add_option("--length", options->lengths,
                    "Tokens of a prompt with the special tokens of a raw text; a chat template comes on top")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 22))
        ->capture_default_str();
    command.add_option("--samples", options->samples, "Prompts of each task and length")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
        ->capture_default_str();
    command.add_option("--seed", options->seed, "The same seed makes the same prompts")
        ->capture_default_str();
    command.add_option("--split", options->split,
                       "TUNE:TEST, such as 30:70: which share of the prompts is for tuning");
    command.add_option("--out", options->out, "The prompt set, JSON lines")->required();
    command.add_option("--answer-ids", options->answerIds,
                       "Also the ids of every answer, for run --force-ids: a text's likelihood is scored so");
    command.footer(
        "Example:\n  fluxscope-cli tasks generate sample --task needle:facts=8 prose --length 1024 2048 "
        "--samples 20 --seed 1 "
        "--split 30:70 --out set.jsonl");
    command.callback([options, &session] {
        session.chosen = [options, &session] { return generate(*options, session); };
    });
}

}  // namespace fluxscope::cli
