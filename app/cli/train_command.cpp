// `train routers|backbone|tokenizer|merge`: routers for a model that stays as it is, and small models from scratch.
#include "app/cli/arguments.h"
#include "app/cli/commands.h"
#include "app/cli/whole_file.h"
#include "app/serve/train.h"
#include "app/start/version_text.h"
#include "engine/contract/error.h"
#include "profiler/figure/number.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>

namespace fluxscope::cli {
namespace {

using nlohmann::json;

struct TrainOptions {
    std::string model;
    std::string plan;
    std::string data;
    std::string work;
    std::string device = "cpu";
    std::string capture;
    std::string log;
    std::int64_t logEvery = 25;
    bool json = false;
};

// Tells the terminal and the log what a training says of itself.
class TrainingListener final : public Observer {
public:
    TrainingListener(Terminal& terminal, const TrainOptions& options)
        : terminal_(terminal), every_(options.logEvery) {
        if (options.log.empty()) return;
        log_.open(options.log, std::ios::app);
        if (!log_)
            throw MachineError{options.log, "", "cannot be written",
                               "name a file in a folder that may be written"};
    }

    void trainingBegan(const TrainingFacts& facts) override {
        facts_ = facts;
        began_ = std::chrono::steady_clock::now();
        if (facts.firstStep > 0)
            terminal_.note("goes on from the checkpoint after step " + std::to_string(facts.firstStep));
        write({{"training", nameOf(facts.kind)},
               {"first_step", facts.firstStep},
               {"steps", facts.steps},
               {"plan", json::parse(facts.plan)},
               {"data", facts.data},
               {"device", facts.device},
               {"dtype", facts.dtype}});
    }

    void trainingStepped(const TrainingStep& step) override {
        last_ = step;
        terminal_.progress(lineOf(step));
        if (step.step % every_ == 0 || step.step + 1 == facts_.steps) write(jsonOf(step));
    }

    void trainingWarned(std::int64_t step, const std::string& sentence) override {
        terminal_.note("step " + std::to_string(step) + ": " + sentence);
        write({{"step", step}, {"warning", sentence}});
    }

    json lastStep() const { return last_ ? jsonOf(*last_) : json(nullptr); }

private:
    std::string lineOf(const TrainingStep& step) const {
        std::string text = "step " + std::to_string(step.step + 1) + " of " + std::to_string(facts_.steps) +
                           ", loss " + withDecimals(step.loss, 3);
        for (std::size_t i = 0; i < step.tasks.size(); ++i) {
            const TrainingTaskStep& task = step.tasks[i];
            if (std::isnan(task.right)) continue;
            text += ", " + facts_.tasks[i].name + ' ' + withDecimals(task.right, 2);
            if (!std::isnan(task.sparsity)) text += " right " + withDecimals(task.sparsity, 2) + " sparse";
        }
        text += ", " + withDecimals(step.tokensPerSecond / 1000, 0) + "k tokens/s";
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        const auto done = static_cast<double>(step.step + 1 - facts_.firstStep);
        const double left = seconds / done * static_cast<double>(facts_.steps - step.step - 1);
        return text + ", " + remainingText(left);
    }

    json jsonOf(const TrainingStep& step) const {
        json tasks = json::object();
        for (std::size_t i = 0; i < step.tasks.size(); ++i) {
            const TrainingTaskStep& task = step.tasks[i];
            if (std::isnan(task.loss)) continue;
            json& entry = tasks[facts_.tasks[i].name];
            entry = {{"loss", task.loss}};
            if (!std::isnan(task.right)) entry["right"] = task.right;
            if (std::isnan(task.sparsity)) continue;
            entry["sparsity"] = task.sparsity;
            entry["multipliers"] = task.multipliers;
        }
        json line = {{"step", step.step},
                     {"length", step.length},
                     {"loss", step.loss},
                     {"learning_rate", step.learningRate},
                     {"gradient_norm", step.gradientNorm},
                     {"tokens_per_s", std::round(step.tokensPerSecond)},
                     {"tasks", tasks}};
        if (facts_.kind == TrainingKind::Routers) {
            line["penalty"] = step.penalty;
            line["temperature"] = step.temperature;
            line["full_by_layer"] = step.fullByLayer;
        }
        return line;
    }

    void write(const json& line) {
        if (!log_.is_open()) return;
        log_ << line << '\n';
        log_.flush();  // a training that is killed leaves what it has said
    }

    Terminal& terminal_;
    std::int64_t every_;
    std::ofstream log_;
    TrainingFacts facts_;
    std::optional<TrainingStep> last_;
    std::chrono::steady_clock::time_point began_;
};

int runTraining(TrainingKind kind, const TrainOptions& options, Session& session) {
    TrainingListener listener(session.terminal, options);
    const TrainingDone done = trainModel({.kind = kind,
                                          .model = ModelOption{options.model}.folder(),
                                          .plan = options.plan,
                                          .data = options.data,
                                          .work = options.work,
                                          .device = options.device,
                                          .capture = options.capture,
                                          .program = programLine("fluxscope-cli")},
                                         listener, session.cancel);
    if (options.json)
        session.terminal.resultJson({{"kind", nameOf(kind)},
                                     {"result", done.result.string()},
                                     {"backbone", done.backbone},
                                     {"last_step", listener.lastStep()}});
    else if (kind == TrainingKind::Routers)
        session.terminal.result("trained " + printable(done.result.string(), 400) +
                                "; the backbone is unchanged (" + done.backbone +
                                "). Put the file beside the model.\n");
    else
        session.terminal.result("trained " + printable(done.result.string(), 400) + '\n');
    if (done.recordingProblem) throw MachineError{"capture", "", *done.recordingProblem, ""};
    if (!options.capture.empty()) session.terminal.note("recorded into " + printable(options.capture, 400));
    return 0;
}

void addTraining(CLI::App& train, Session& session, TrainingKind kind, const char* name, const char* about,
                 const char* modelHelp) {
    auto options = std::make_shared<TrainOptions>();
    CLI::App& command = *train.add_subcommand(name, about);
    command.add_option("MODEL", options->model, modelHelp)->required();
    command.add_option("--plan", options->plan, "How it is trained, JSON (docs/training.md)")->required();
    command.add_option("--data", options->data, "What on: the mixture, JSON (docs/training.md, Data)")
        ->required();
    command
        .add_option("--work", options->work,
                    "A folder for checkpoints and the result; a training that was stopped goes on from it")
        ->required();
    command.add_option("--device", options->device, "cpu or cuda")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
    command.add_option("--capture", options->capture, "Also recorded as a *.fluxdb, for curves");
    command.add_option("--log", options->log, "Also as JSON lines, added to what is there");
    command.add_option("--log-every", options->logEvery, "Steps between two lines of the log")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
        ->capture_default_str();
    command.add_flag("--json", options->json, "The result as JSON");
    command.footer(
        std::string("Example:\n  fluxscope-cli train ") + name +
        (kind == TrainingKind::Routers ? " sample --plan routers.json" : " small/ --plan small.json") +
        " --data mix.json --work trained --device cuda --capture training.fluxdb");
    command.callback([options, &session, kind] {
        session.chosen = [options, &session, kind] { return runTraining(kind, *options, session); };
    });
}

struct TokenizerOptions {
    std::string data;
    std::int64_t vocabulary = 2048;
    std::vector<std::string> specials = {"<|endoftext|>"};
    std::int64_t megabytes = 8;
    std::uint64_t seed = 0;
    std::string out;
};

void addTokenizer(CLI::App& train, Session& session) {
    auto options = std::make_shared<TokenizerOptions>();
    CLI::App& command =
        *train.add_subcommand("tokenizer", "Byte-level byte-pair encoding, learned from a mixture's text");
    command.add_option("--data", options->data, "The mixture, JSON (docs/training.md, Data)")->required();
    command.add_option("--vocabulary", options->vocabulary, "Ids, bytes and special tokens included")
        ->check(CLI::Range(std::int64_t{256}, std::int64_t{1} << 20))
        ->capture_default_str();
    command.add_option("--special", options->specials, "Special tokens, the last ids")->capture_default_str();
    command.add_option("--megabytes", options->megabytes, "Text to learn from, about")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20))
        ->capture_default_str();
    command.add_option("--seed", options->seed, "Of generated text")->capture_default_str();
    command.add_option("--out", options->out, "The tokenizer.json")->required();
    command.footer(
        "Example:\n  fluxscope-cli train tokenizer --data mix.json --vocabulary 2048 --out "
        "small/tokenizer.json");
    command.callback([options, &session] {
        session.chosen = [options, &session] {
            const std::string learned = learnTokenizer({.data = options->data,
                                                        .vocabulary = options->vocabulary,
                                                        .specials = options->specials,
                                                        .bytes = options->megabytes * 1'000'000,
                                                        .seed = options->seed});
            writeWhole(options->out, [&learned](std::ostream& out) { out << learned; });
            session.terminal.note("wrote " + printable(options->out, 400));
            return 0;
        };
    });
}

struct MergeOptions {
    ModelOption model;
    std::string routers;
    std::string out;
};

void addMerge(CLI::App& train, Session& session) {
    auto options = std::make_shared<MergeOptions>();
    CLI::App& command = *train.add_subcommand(
        "merge", "A model and its routers as one checkpoint, in Flux Attention's own form");
    options->model.declare(command);
    command.add_option("--routers", options->routers, "The router.safetensors of this model")->required();
    command.add_option("--out", options->out, "A new folder")->required();
    command.footer(
        "Example:\n  fluxscope-cli train merge models/Qwen3-8B --routers trained/router.safetensors --out "
        "PawQwen3-8B");
    command.callback([options, &session] {
        session.chosen = [options, &session] {
            mergeRouters(options->model.folder(), options->routers, options->out);
            session.terminal.note("wrote " + printable(options->out, 400));
            return 0;
        };
    });
}

}  // namespace

void addTrain(CLI::App& app, Session& session) {
    CLI::App& command =
        *app.add_subcommand("train", "Trains layer routers for a model, and small models from scratch");
    command.require_subcommand(1);
    addTraining(command, session, TrainingKind::Routers, "routers",
                "Layer routers for a model whose own weights stay as they are", kModelHelp);
    addTraining(command, session, TrainingKind::Backbone, "backbone", "A small model from scratch",
                "A folder with config.json and tokenizer.json");
    addTokenizer(command, session);
    addMerge(command, session);
}

}  // namespace fluxscope::cli
