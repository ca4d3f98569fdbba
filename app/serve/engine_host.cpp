#include "app/serve/engine_host.h"

#include "app/serve/detail/device_collectors.h"
#include "app/serve/detail/device_kind.h"
#include "app/serve/detail/limit_facts.h"
#include "app/serve/detail/run_watch.h"
#include "engine/describe.h"
#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"
#include "profiler/record/observer_tee.h"
#include "profiler/record/recorder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace fluxscope {
namespace {

// Enough to touch every weight and to start every thread, little enough to cost nothing beside a long prompt.
constexpr std::size_t kWarmUpTokens = 256;
constexpr std::int32_t kWarmUpNew = 2;

LoadOptions optionsOf(const HostLoad& wanted) {
    LoadOptions options;
    options.device = deviceKind(wanted.device);
    if (wanted.dtype == "fp32")
        options.dtype = cost::DType::F32;
    else if (wanted.dtype == "bf16")
        options.dtype = cost::DType::BF16;
    else if (wanted.dtype == "fp16")
        options.dtype = cost::DType::F16;
    else if (!wanted.dtype.empty())
        throw UsageError{"dtype", "", "is '" + printable(wanted.dtype, 40) + "'", "give fp32, bf16 or fp16"};
    return options;
}

// A recommendation that cannot be read is no reason not to load the model.
std::optional<SamplingOptions> recommendedOf(const std::filesystem::path& folder) {
    try {
        return recommendedSampling(folder);
    } catch (const InputError& error) {
        spdlog::info("{}", error.what());
        return std::nullopt;
    }
}

void requireRecording(const Recorder& recorder) {
    if (const auto problem = recorder.status().problem)
        throw MachineError{"capture", "", *problem, "give another file"};
}

}  // namespace

struct EngineHost::Parts {
    Parts(std::string name, std::unique_ptr<DeviceTracer> tracer)
        : program(std::move(name)), collectors(std::move(tracer)) {}

    std::string program;
    Collect collect = Collect::Auto;
    DeviceCollectors collectors;  // outlives the model: what a device did is told until the end
    std::unique_ptr<Model> model;
    double loadSeconds = 0;  // of all that loading does, its warm-up included

    Model& loaded() const {
        if (!model) throw UsageError{"run", "", "has no model", "load one first"};
        return *model;
    }
    std::string warmUp(const RunRequest& request, const CancelToken& cancel) const;
    std::vector<EnvironmentFact> limits(const RunRequest& request);
    RecorderOptions recording(bool promptText) const;

private:
    std::optional<MachineKey>
        machine_;  // asking a driver takes a while: once, for the device is the process's for good
    std::int64_t tokensOf(const Prompt& prompt) const;
};

EngineHost::EngineHost(std::string program) : EngineHost(std::move(program), nullptr) {}

EngineHost::EngineHost(std::string program, std::unique_ptr<DeviceTracer> tracer)
    : parts_(std::make_unique<Parts>(std::move(program), std::move(tracer))) {}

EngineHost::~EngineHost() = default;

protocol::LoadedEvent EngineHost::load(const HostLoad& wanted, const HostEvents& events,
                                       const CancelToken& cancel) {
    parts_->model.reset();  // two models at once may not fit
    parts_->collect = parseCollect(wanted.collect, "collect");
    const LoadOptions options = optionsOf(wanted);
    // Before the model touches the device.
    if (options.device == DeviceKind::Cuda) parts_->collectors.attach(parts_->collect);
    const auto progress = [&events](const LoadProgress& at) {
        if (events.progress) events.progress({"loading", at.bytesDone, at.bytesTotal, "bytes", 0, 0});
    };
    const auto began = std::chrono::steady_clock::now();
    parts_->model = Model::load(wanted.model, options, progress, &cancel);
    parts_->loadSeconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const Model& model = *parts_->model;
    if (options.device == DeviceKind::Cuda) parts_->collectors.open();
    return {.model = model.facts(),
            .sparse = shortForm(model.defaultSparse()),
            .device = model.deviceName(),
            .dtype = model.dtypeName(),
            .bytes = model.loading().bytesDone,
            .seconds = model.loading().seconds,
            .recommended = recommendedOf(wanted.model)};
}

// Returns what was done, for the capture's environment.
std::string EngineHost::Parts::warmUp(const RunRequest& request, const CancelToken& cancel) const {
    const Prompt& first = request.prompts.front();
    std::vector<TokenId> ids;
    if (const auto* text = std::get_if<std::string>(&first.content))
        ids = model->tokenizer().encode(*text, false).ids;
    else if (const auto* given = std::get_if<std::vector<TokenId>>(&first.content))
        ids = *given;
    else
        ids = {TokenId{0}};  // a chat is rendered by the engine; any token warms as well
    ids.resize(std::clamp<std::size_t>(ids.size(), 1, kWarmUpTokens));

    RunRequest warm;
    warm.policy = request.policy;
    warm.sparse = request.sparse;
    warm.chunkTokens = request.chunkTokens;
    warm.role = RunRole::WarmUp;
    warm.maxNew = std::min(request.maxNew, kWarmUpNew);
    warm.prompts = {
        Prompt{.id = "warm-up", .kind = "warm-up", .split = {}, .content = ids, .answer = {}, .scorer = {}}};
    Observer nobody;
    model->run(warm, nobody, cancel);
    return "one discarded pass before each timed run: " + std::to_string(ids.size()) +
           " tokens of its first prompt, " + std::to_string(warm.maxNew) + " generated";
}

std::int64_t EngineHost::Parts::tokensOf(const Prompt& prompt) const {
    if (const auto* given = std::get_if<std::vector<TokenId>>(&prompt.content)) return std::ssize(*given);
    const auto count = [this](const std::string& text) {
        return std::ssize(model->tokenizer().encode(text, false).ids);
    };
    if (const auto* text = std::get_if<std::string>(&prompt.content)) return count(*text);
    std::int64_t tokens = 0;  // without what a chat template puts around them: a bucket is a power of two
    for (const ChatMessage& message : std::get<std::vector<ChatMessage>>(prompt.content))
        tokens += count(message.content);
    return tokens;
}

std::vector<EnvironmentFact> EngineHost::Parts::limits(const RunRequest& request) {
    if (!machine_ || !model->deviceName().starts_with(machine_->device))
        machine_ = thisMachine(model->deviceName());
    RecordedWith with{.model = model->facts(),
                      .device = model->deviceName(),
                      .dtype = model->dtypeName(),
                      .collect = std::string(nameOf(collect))};
    for (const Prompt& prompt : request.prompts)
        with.promptTokens = std::max(with.promptTokens, tokensOf(prompt));
    return limitFacts(*machine_, with);
}

RecorderOptions EngineHost::Parts::recording(bool promptText) const {
    RecorderOptions options;
    options.collect = collect;
    options.program = program;
    options.promptText = promptText;
    options.environment = {{"load_s", std::to_string(loadSeconds), "host clock"},
                           {"load.weights_bytes", std::to_string(model->loading().bytesDone), "engine host"},
                           {"load.weights_s", std::to_string(model->loading().seconds), "host clock"}};
    collectors.lendTo(options);
    return options;
}

RunReport EngineHost::run(const HostRun& wanted, const HostEvents& events, const CancelToken& cancel) {
    Model& model = parts_->loaded();
    RunRequest request = wanted.request;
    request.role = roleOf(parts_->collect);
    std::string warmedUp = parts_->warmUp(request, cancel);

    RunWatch watch(events);
    RunReport report;
    if (wanted.capture.empty()) {
        report.sequences = model.run(request, watch, cancel).sequences;
        report.tokenSeconds = watch.medianTokenSeconds();
        return report;
    }

    RecorderOptions options = parts_->recording(wanted.promptText);
    for (EnvironmentFact& fact : parts_->limits(request)) options.environment.push_back(std::move(fact));
    options.environment.push_back({"warm_up", std::move(warmedUp), "engine host"});
    if (wanted.recordBudget) options.recordBudget = *wanted.recordBudget;
    Recorder recorder(wanted.capture, std::move(options));
    requireRecording(recorder);
    if (events.capture) events.capture(wanted.capture);
    ObserverTee both({&recorder, &watch});
    try {
        report.sequences = model.run(request, both, cancel).sequences;
    } catch (...) {
        if (events.saving) events.saving();
        recorder.finish();  // what was recorded so far stays
        throw;
    }
    if (events.saving) events.saving();
    recorder.finish();
    report.run = recorder.currentRun().value();
    report.tokenSeconds = watch.medianTokenSeconds();
    report.recordingProblem = recorder.status().problem;
    if (model.deviceName() != "cpu")
        for (const Shortfall& shortfall : recorder.shortfalls())
            report.missing.push_back(sentenceOf(shortfall));
    return report;
}

struct HostSeries::Parts {
    Model& model;
    RunRole role = RunRole::Off;
    std::unique_ptr<Recorder> recorder;  // absent: nothing is recorded
};

std::unique_ptr<HostSeries> EngineHost::series(const std::filesystem::path& capture, bool promptText) {
    auto parts = std::make_unique<HostSeries::Parts>(
        HostSeries::Parts{.model = parts_->loaded(), .role = roleOf(parts_->collect), .recorder = {}});
    if (!capture.empty()) {
        parts->recorder = std::make_unique<Recorder>(capture, parts_->recording(promptText));
        requireRecording(*parts->recorder);
    }
    return std::unique_ptr<HostSeries>(new HostSeries(std::move(parts)));
}

HostSeries::HostSeries(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

HostSeries::~HostSeries() = default;

std::vector<SequenceResult> HostSeries::run(const RunRequest& wanted, const HostEvents& events,
                                            const CancelToken& cancel, const HostJudge& judge) {
    RunRequest request = wanted;
    request.role = parts_->role;
    RunWatch watch(events);
    std::vector<Observer*> observers{&watch};
    if (parts_->recorder) observers.insert(observers.begin(), parts_->recorder.get());
    ObserverTee all(std::move(observers));
    std::vector<SequenceResult> sequences = parts_->model.run(request, all, cancel).sequences;
    if (judge)
        for (const EvaluationSample& sample : judge(sequences)) all.sampleEvaluated(sample);
    return sequences;
}

std::optional<std::string> HostSeries::finish() {
    if (!parts_->recorder) return std::nullopt;
    parts_->recorder->finish();
    return parts_->recorder->status().problem;
}

Policy EngineHost::measured(const RunRequest& wanted, const CancelToken& cancel) {
    struct Listener final : Observer {
        void runBegan(const RunFacts& facts) override { policy = facts.policy; }
        ObserverNeeds needs() const override { return {.opScopes = false}; }
        Policy policy;
    };
    RunRequest request = wanted;
    request.role = RunRole::Off;
    request.maxNew = 1;
    Listener listener;
    parts_->loaded().run(request, listener, cancel);
    return listener.policy;
}

std::optional<std::string> EngineHost::needsRestart() const { return parts_->collectors.needsRestart(); }

ForwardResult EngineHost::forward(const ForwardRequest& wanted, const CancelToken& cancel) {
    return parts_->loaded().forward(wanted, cancel);
}

Forecast EngineHost::forecast(const RunRequest& wanted) const { return parts_->loaded().forecast(wanted); }

ModelDescription inspectModel(const std::filesystem::path& folder) { return describeModel(folder); }

std::optional<SamplingOptions> samplingOfModel(const std::filesystem::path& folder) {
    return recommendedSampling(folder);
}

}  // namespace fluxscope
