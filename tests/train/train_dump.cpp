// What training computes, for gradient_oracle.py and resume_oracle.py to compare with:
//
//   train-dump gate FILE          {"logits", "noise", "temperature", "soft", "upstream"} to {"w", "gradient"}
//   train-dump penalty FILE       {"gates", "tasks", "targets", "multipliers", "published"} to {"penalty", "gates", "multipliers"}
//   train-dump adamw FILE         {"values", "gradients": one list a step, "rate", "decay", "ascends"} to {"values"}
//   train-dump step MODEL FILE OUT.safetensors    gradients of one step on a model with routers (gradient_oracle.py has FILE);
//                                 {"loss", "penalty", "losses"}
//   train-dump run FOLDER STEPS   trains toy routers with a checkpoint every other step, one line a step: its number, loss,
//                                 penalty and gradient norm in hexadecimal
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/train/gradients.h"
#include "engine/train/parameters.h"
#include "engine/train/trainer.h"
#include "tests/train/toy.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>

using namespace fluxscope;
using namespace fluxscope::train;

namespace {

nlohmann::json readJson(const char* file) {
    std::ifstream in(file);
    return nlohmann::json::parse(in);
}

at::Tensor tensorOf(const nlohmann::json& numbers) {
    if (!numbers.front().is_array()) return at::tensor(numbers.get<std::vector<float>>(), at::kFloat);
    std::vector<at::Tensor> rows;
    for (const nlohmann::json& row : numbers) rows.push_back(tensorOf(row));
    return at::stack(rows);
}

std::vector<float> numbersOf(const at::Tensor& tensor) {
    const at::Tensor flat = tensor.detach().contiguous();
    return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

nlohmann::json gate(const nlohmann::json& asked) {
    const at::Tensor logits = tensorOf(asked.at("logits")).requires_grad_(true);
    const at::Tensor w = gateOf(logits, tensorOf(asked.at("noise")), asked.at("temperature").get<double>(),
                                asked.at("soft").get<bool>() ? Mixing::Soft : Mixing::StraightThrough);
    at::sum(w * tensorOf(asked.at("upstream"))).backward();
    return {{"w", numbersOf(w)}, {"gradient", numbersOf(logits.grad())}};
}

ConstraintForm formOf(const nlohmann::json& asked) {
    return asked.at("published").get<bool>() ? ConstraintForm::Published : ConstraintForm::Paper;
}

nlohmann::json penalty(const nlohmann::json& asked) {
    const at::Tensor gates = tensorOf(asked.at("gates")).requires_grad_(true);
    const at::Tensor multipliers = tensorOf(asked.at("multipliers")).requires_grad_(true);
    const at::Tensor value =
        penaltyOf(gates, asked.at("tasks").get<std::vector<std::int32_t>>(),
                  asked.at("targets").get<std::vector<double>>(), multipliers, formOf(asked));
    value.backward();
    return {{"penalty", value.item<double>()},
            {"gates", numbersOf(gates.grad())},
            {"multipliers", numbersOf(multipliers.grad())}};
}

nlohmann::json adamw(const nlohmann::json& asked) {
    const at::Tensor value = tensorOf(asked.at("values"));
    AdamW optimizer({{.name = "values", .value = value, .decays = true}},
                    {.decay = asked.at("decay").get<double>(), .ascends = asked.at("ascends").get<bool>()});
    for (const nlohmann::json& gradient : asked.at("gradients")) {
        value.mutable_grad() = tensorOf(gradient);
        optimizer.step(asked.at("rate").get<double>());
    }
    return {{"values", numbersOf(value)}};
}

nlohmann::json step(const char* folder, const nlohmann::json& asked, const char* out) {
    const Checkpoint checkpoint = openCheckpoint(folder);
    const Weights weights = loadWeights(checkpoint, Compute{}, {}, nullptr);
    const Parameters backbone = backboneParameters(checkpoint.config, weights);
    const Parameters routers = routerParameters(weights);
    const bool ofRouters = asked.at("train") == "routers";
    const Parameters& trained = ofRouters ? routers : backbone;
    requireGradients(trained, true);

    std::vector<Sample> samples;
    std::vector<std::int32_t> tasks;
    for (const nlohmann::json& sample : asked.at("samples")) {
        Sample s{.ids = {},
                 .weights = sample.at("weights").get<std::vector<float>>(),
                 .promptTokens = sample.at("prompt").get<std::int64_t>()};
        for (const nlohmann::json& id : sample.at("ids")) s.ids.emplace_back(id.get<std::int32_t>());
        samples.push_back(std::move(s));
        tasks.push_back(sample.at("task").get<std::int32_t>());
    }
    const Batch batch = batchOf(samples, tasks, asked.at("length").get<std::int64_t>(),
                                checkpoint.config.vocabulary, asked.at("pool").get<std::int64_t>(),
                                ofRouters ? LossMean::Tasks : LossMean::Tokens, at::kCPU);
    const Forward forward(checkpoint.config, weights, parseSparseForm(asked.at("sparse").get<std::string>()),
                          at::kFloat);
    const Routing routing{.noise = tensorOf(asked.at("noise")),
                          .temperature = asked.at("temperature").get<double>(),
                          .mixing = asked.at("soft").get<bool>() ? Mixing::Soft : Mixing::StraightThrough,
                          .targets = asked.at("targets").get<std::vector<double>>(),
                          .multipliers = tensorOf(asked.at("multipliers")).requires_grad_(true),
                          .form = formOf(asked)};
    const StepLoss loss = addGradients(forward, forward.plan(batch.ids.size(1)), batch,
                                       ofRouters ? &routing : nullptr, routing.targets.size());
    std::vector<TensorToWrite> entries;
    for (const Parameter& parameter : trained) {
        const at::Tensor& gradient = parameter.value.grad();
        entries.push_back({.name = parameter.name,
                           .typeName = "F32",
                           .shape = gradient.sizes().vec(),
                           .data = gradient.const_data_ptr(),
                           .bytes = static_cast<std::int64_t>(gradient.nbytes())});
    }
    saveSafetensors(out, entries, {});
    return {{"loss", loss.loss}, {"penalty", loss.penalty}, {"losses", loss.lossByTask}};
}

void run(const char* folder, std::int64_t steps) {
    const ModelConfig config = toyConfig();
    const ToySource source;
    Weights weights = newBackbone(config, 7, at::kCPU);
    weights.routers = newRouters(config, 8, at::kCPU);
    const nlohmann::json plan = {
        {"seed", 3},
        {"stages", {{{"length", 16}, {"steps", steps}, {"sequences", 3}}}},
        {"learning_rate", 5e-3},
        {"checkpoint_every", 2},
        {"tasks", {{"near", {{"sparsity", 1.0}}}, {"far", {{"sparsity", 0.0}, {"share", 2}}}}},
        {"routers", {{"sparse", "streaming:sink=2,window=4"}, {"pool_size", 8}}}};
    Trainer trainer(config, weights, source, planOf(plan, "plan", source.tasks()));
    runTraining(
        trainer, folder,
        [](const StepReport& report) {
            std::printf("%lld %a %a %a\n", static_cast<long long>(report.step), report.loss, report.penalty,
                        report.gradientNorm);
            std::fflush(stdout);
        },
        CancelToken{});
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    try {
        if (argc == 3 && what == "gate") return std::cout << gate(readJson(argv[2])).dump() << '\n', 0;
        if (argc == 3 && what == "penalty") return std::cout << penalty(readJson(argv[2])).dump() << '\n', 0;
        if (argc == 3 && what == "adamw") return std::cout << adamw(readJson(argv[2])).dump() << '\n', 0;
        if (argc == 5 && what == "step")
            return std::cout << step(argv[2], readJson(argv[3]), argv[4]).dump() << '\n', 0;
        if (argc == 4 && what == "run") return run(argv[2], std::stoll(argv[3])), 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "train-dump: %s\n", e.what());
        return 1;
    }
    std::fputs("usage: train-dump gate|penalty|adamw FILE, step MODEL FILE OUT, run FOLDER STEPS\n", stderr);
    return 2;
}
