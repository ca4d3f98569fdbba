// A training without a trainer: tells an Observer what one would. Every number follows from its step, and looks like those of real ones:
// losses that fall, shares that find their targets, layers that make up their minds.
#pragma once

#include "engine/contract/observer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>

namespace fluxscope::testing {

struct TrainingScript {
    TrainingKind kind = TrainingKind::Routers;
    std::int64_t firstStep = 0;
    std::int64_t steps = 400;  // of the whole plan
    std::int32_t layers = 8;
    std::string model = "/models/sample";
};

struct ScriptedTask {
    const char* name;
    double share, target, first, last,
        settles;  // the loss: where it begins, ends, and after how many steps a third is left
};
inline constexpr std::array<ScriptedTask, 5> kScriptedTasks{{{"needle", 0.3, 0.45, 2.6, 0.05, 60},
                                                             {"two-hop", 0.2, 0.4, 2.9, 0.18, 110},
                                                             {"arithmetic", 0.15, 0.55, 2.1, 0.32, 90},
                                                             {"code", 0.15, 0.7, 1.7, 0.55, 45},
                                                             {"prose", 0.2, 0.9, 3.1, 2.35, 30}}};

// From -1 to 1, the same on every machine.
inline double noiseAt(std::int64_t step, std::int64_t what) {
    auto x = static_cast<std::uint64_t>(step) * 0x9E3779B97F4A7C15ULL +
             static_cast<std::uint64_t>(what) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 30)) * 0x94D049BB133111EBULL;
    x ^= x >> 31;
    return static_cast<double>(x >> 11) / 4503599627370496.0 - 1;
}

inline TrainingFacts trainingFactsOf(const TrainingScript& script) {
    const bool ofRouters = script.kind == TrainingKind::Routers;
    TrainingFacts facts{.kind = script.kind,
                        .model = script.model,
                        .plan = R"({"seed": 1})",
                        .data = R"({"mixture": "tasks"})",
                        .device = "cuda:0",
                        .dtype = "bf16",
                        .firstStep = script.firstStep,
                        .steps = script.steps,
                        .layers = script.layers,
                        .tasks = {}};
    for (const ScriptedTask& task : kScriptedTasks)
        facts.tasks.push_back({task.name, task.share, ofRouters ? std::optional(task.target) : std::nullopt});
    return facts;
}

inline TrainingStep trainingStepOf(const TrainingScript& script, std::int64_t at) {
    const bool ofRouters = script.kind == TrainingKind::Routers;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double done = static_cast<double>(at) / static_cast<double>(script.steps);
    const double warm = std::min(1.0, static_cast<double>(at + 1) / 30.0);
    TrainingStep step{
        .step = at,
        .length = done < 0.5 ? 1024 : 2048,
        .loss = 0,
        .penalty = ofRouters ? 0.12 * std::exp(-5 * done) * (1 + 0.2 * noiseAt(at, 1)) : 0,
        .learningRate = 1e-3 * warm * (0.1 + 0.9 * 0.5 * (1 + std::cos(std::numbers::pi * done))),
        .gradientNorm = 0.8 * std::exp(-2 * done) * (1 + 0.4 * noiseAt(at, 2)),
        .tokensPerSecond = (at % 100 == 99 ? 31'000 : 64'000) * (1 + 0.03 * noiseAt(at, 3)),
        .temperature = ofRouters ? 1.0 - 0.6 * done : nan,
        .tasks = {},
        .fullByLayer = {}};
    if (at == script.steps * 3 / 10) step.gradientNorm *= 9;  // one step that stands out
    std::int64_t number = 0;
    for (const ScriptedTask& task : kScriptedTasks) {
        ++number;
        TrainingTaskStep one{.loss = nan, .right = nan, .sparsity = nan, .multipliers = {nan, nan}};
        // Of the rarer tasks not every step has a prompt.
        if (task.share >= 0.2 || (at + number) % 3 != 0) {
            const double settled = std::exp(-static_cast<double>(at) / task.settles);
            one.loss = std::max(0.0, task.last + (task.first - task.last) * settled +
                                         0.06 * task.first * (0.3 + settled) * noiseAt(at, 10 + number));
            one.right = std::exp(-one.loss);
            if (ofRouters) {
                const double swing = 0.12 * std::sin(6 * done) * std::exp(-3 * done);
                one.sparsity = std::clamp(task.target + (0.5 - task.target) * std::exp(-6 * done) + swing +
                                              0.05 * noiseAt(at, 20 + number),
                                          0.0, 1.0);
                one.multipliers = {0.3 * (1 - std::exp(-3 * done)) * task.target,
                                   0.25 + 0.5 * done * (1 - task.target)};
            }
            step.loss += one.loss / static_cast<double>(kScriptedTasks.size());
        }
        step.tasks.push_back(one);
    }
    if (!ofRouters) return step;
    for (std::int32_t layer = 0; layer < script.layers; ++layer) {
        const double goal = (layer * 5 + 2) % script.layers < script.layers * 2 / 5 ? 0.95 : 0.04;
        const double firm = 1 - std::exp(-static_cast<double>(at) / (40.0 + 25.0 * (layer % 4)));
        step.fullByLayer.push_back(
            std::clamp(0.5 + (goal - 0.5) * firm + 0.06 * (1.1 - firm) * noiseAt(at, 40 + layer), 0.0, 1.0));
    }
    return step;
}

// All of it, or up to a step.
inline void train(Observer& observer, const TrainingScript& script, std::int64_t upTo) {
    observer.trainingBegan(trainingFactsOf(script));
    for (std::int64_t step = script.firstStep; step < std::min(upTo, script.steps); ++step)
        observer.trainingStepped(trainingStepOf(script, step));
}
inline void train(Observer& observer, const TrainingScript& script) {
    train(observer, script, script.steps);
    observer.trainingEnded(RunOutcome::Finished, "");
}

}  // namespace fluxscope::testing
