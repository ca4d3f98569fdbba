#include "profiler/record/recorder.h"

#include "engine/contract/error.h"
#include "profiler/record/cupti/counters.h"
#include "profiler/record/cupti/trace.h"
#include "profiler/record/detail/writer_thread.h"
#include "profiler/record/host_timer.h"
#include "profiler/record/machine.h"
#include "version/version.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace fluxscope {
namespace {

Nanoseconds utcNow() {
    return std::chrono::duration_cast<Nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
}

ProcessRecord thisProcess(const RecorderOptions& options) {
    ProcessRecord process{.host = hostName(),
                          .pid = ::getpid(),
                          .program = options.program,
                          .collector = std::string(nameOf(options.collect)),
                          .monotonic = options.clock(),
                          .utc = utcNow(),
                          .environment = machineFacts()};
    if (process.program.empty()) {
        process.program =
            "FluxScope " + std::string(buildInfo().description) + " " + std::string(buildInfo().flavour);
    }
    process.environment.insert(process.environment.end(), options.environment.begin(),
                               options.environment.end());
    return process;
}

constexpr std::array kCollects{Collect::Auto, Collect::Off, Collect::Trace, Collect::Timeline,
                               Collect::Counters};

CollectorRecord missing(const Shortfall& shortfall) {
    return {.name = shortfall.collector,
            .state = CollectorState::Missing,
            .reason = shortfall.why,
            .remedy = shortfall.remedy};
}

}  // namespace

Collect parseCollect(std::string_view text, const std::string& where) {
    for (const Collect collect : kCollects)
        if (text == nameOf(collect)) return collect;
    throw UsageError{where, "", "does not know '" + printable(text) + "'",
                     "give auto, off, trace, timeline or counters"};
}

std::string_view nameOf(Collect collect) {
    switch (collect) {
        case Collect::Auto: return "auto";
        case Collect::Off: return "off";
        case Collect::Trace: return "trace";
        case Collect::Timeline: return "timeline";
        case Collect::Counters: return "counters";
    }
    return "auto";
}

RunRole roleOf(Collect collect) {
    switch (collect) {
        case Collect::Auto:
        case Collect::Trace: return RunRole::Timed;
        case Collect::Off: return RunRole::Off;
        case Collect::Timeline: return RunRole::Timeline;
        case Collect::Counters: return RunRole::Counters;
    }
    return RunRole::Timed;
}

Recorder::Recorder(const std::filesystem::path& file, RecorderOptions options)
    : options_(std::move(options)), nextRun_(1) {
    chooseCollector();
    std::unique_ptr<CaptureWriter> writer;
    std::string problem;
    try {
        place_.emplace(file, options_.isRemote);
        writer = std::make_unique<CaptureWriter>(place_->file(), thisProcess(options_));
        nextRun_ = writer->nextRun();
    } catch (const MachineError& e) {
        problem = e.what();
    } catch (const InputError& e) {
        if (place_) place_->forget();
        throw InputError{file.string(), e.field(), e.problem(), e.remedy()};  // the name that was given
    }
    writer_ = std::make_unique<WriterThread>(std::move(writer), std::move(problem), options_.promptText,
                                             options_.queueEvents);
}

Recorder::~Recorder() { finish(); }

void Recorder::chooseCollector() {
    RecordSink& records = *this;
    DeviceSink& device = *this;
    if (options_.collect == Collect::Off) return;
    if (options_.collect == Collect::Counters) {
        OpenedCounters counters = openCounters(options_.clock, records, device);
        collector_ = std::move(counters.collector);
        options_.environment.insert(options_.environment.end(), counters.environment.begin(),
                                    counters.environment.end());
        if (counters.shortfall) options_.shortfalls.push_back(*std::move(counters.shortfall));
    } else if (options_.tracer != nullptr) {
        collector_ = std::make_unique<CuptiTrace>(*options_.tracer, options_.clock, records, device);
    }
    if (!collector_) collector_ = std::make_unique<HostTimer>(options_.clock, records);
}

RecorderStatus Recorder::status() const {
    RecorderStatus status{.dropped = writer_->dropped() + writer_->deviceDropped(),
                          .problem = writer_->problem()};
    const std::lock_guard lock(settledMutex_);
    if (!status.problem) status.problem = unsettled_;
    return status;
}

void Recorder::finish() {
    writer_->finish();
    if (!place_ || writer_->problem()) return;  // what there is stays where it was written
    std::optional<std::string> unsettled = place_->settle();
    const std::lock_guard lock(settledMutex_);
    unsettled_ = std::move(unsettled);
}

ObserverNeeds Recorder::needs() const {
    return collector_ ? collector_->needs() : ObserverNeeds{.opScopes = false};
}

std::string Recorder::collectorOn(std::string_view device) const {
    std::string collector(nameOf(options_.collect));
    if (collector_) collector += ": " + std::string(collector_->timeSource(device));
    return collector;
}

void Recorder::runBegan(const RunFacts& run) {
    run_ = nextRun_;
    ++nextRun_;
    writer_->push(RunBegan{run_,
                           std::make_shared<const RunFacts>(run),
                           collectorOn(run.device),
                           options_.clock(),
                           writer_->dropped(),
                           {},
                           options_.recordBudget},
                  Weight::Essential);
    collectorsBegan(run.device);
    if (run.device != "cpu") {
        DeviceSink& device = *this;
        for (DeviceSampler* sampler : options_.samplers) sampler->beginRun(device);
        sampling_ = true;
    }
    if (collector_) collector_->runBegan(run);
}

// Said of each run, for the process may have runs without. Before any collector begins: what it says itself comes later.
void Recorder::collectorsBegan(const std::string& device) {
    const bool onDevice = device != "cpu";
    std::vector<CollectorRecord> running;
    if (collector_) running.push_back({.name = std::string(collector_->name(device))});
    DeviceBatch known;
    if (onDevice) {
        for (const DeviceSampler* sampler : options_.samplers)
            running.push_back({.name = std::string(sampler->name())});
        for (const Shortfall& shortfall : options_.shortfalls) {
            const auto runs = std::ranges::find(running, shortfall.collector, &CollectorRecord::name);
            if (runs == running.end()) {
                known.collectors.push_back(missing(shortfall));
                continue;
            }
            runs->reason += (runs->reason.empty() ? "" : "; ") + shortfall.why;
            if (runs->remedy.empty()) runs->remedy = shortfall.remedy;
        }
        known.devices = options_.devices;
    }
    known.collectors.insert(known.collectors.end(), running.begin(), running.end());
    {
        const std::lock_guard lock(runningMutex_);
        running_ = std::move(running);
    }
    if (!isEmpty(known)) writer_->pushDevice(std::move(known));
}

// After all of them have ended, and before the run has: those that stopped by themselves have said why.
void Recorder::collectorsEnded() {
    DeviceBatch batch;
    {
        const std::lock_guard lock(runningMutex_);
        batch.collectors = std::exchange(running_, {});
    }
    for (CollectorRecord& collector : batch.collectors) collector.state = CollectorState::Stopped;
    if (!isEmpty(batch)) writer_->pushDevice(std::move(batch));
}

void Recorder::batchBegan(BatchIndex batch, std::span<const SequenceIndex> sequences) {
    writer_->push(BatchBegan{batch, {sequences.begin(), sequences.end()}}, Weight::Essential);
}

void Recorder::turnBegan(SequenceIndex sequence, TurnIndex turn, const TurnFacts& facts) {
    writer_->push(TurnRecord{sequence, turn, facts}, Weight::Essential);
}

void Recorder::scopeOpened(const ScopeKey& key) {
    if (collector_) collector_->scopeOpened(key);
}

void Recorder::scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) {
    if (collector_) collector_->scopeClosed(key, shape);
}

void Recorder::decided(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer,
                       const Decision& decision) {
    writer_->push(DecisionRecord{sequence, turn, step, layer, decision}, Weight::Essential);
}

void Recorder::kvSettled(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer,
                         const KvFacts& kv) {
    writer_->push(KvRecord{sequence, turn, step, layer, kv}, Weight::Essential);
}

void Recorder::tokenEmitted(SequenceIndex sequence, TurnIndex turn, StepIndex step, const TokenFacts& token) {
    writer_->push(TokenRecord{sequence, turn, step, token, options_.clock()}, Weight::Essential);
}

void Recorder::compared(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                        const FidelityStep& fidelity) {
    writer_->push(FidelityRecord{sequence, turn, step, fidelity}, Weight::Essential);
}

void Recorder::recordingBegan(RecordingIndex recording) {
    if (collector_) collector_->recordingBegan(recording);
}

void Recorder::recordingEnded(RecordingIndex recording) {
    if (collector_) collector_->recordingEnded(recording);
}

void Recorder::stepReplayed(const ScopeKey& step, RecordingIndex recording,
                            std::span<const std::int64_t> attended) {
    if (collector_) collector_->stepReplayed(step, recording, attended);
}

void Recorder::runEnded(RunOutcome outcome, const std::string& reason) {
    if (collector_) collector_->runEnded();
    if (std::exchange(sampling_, false))
        for (DeviceSampler* sampler : options_.samplers) sampler->endRun();
    collectorsEnded();
    writer_->push(RunEnded{outcome, reason, options_.clock(), writer_->dropped()}, Weight::Essential);
}

void Recorder::sampleEvaluated(const EvaluationSample& sample) { writer_->push(sample, Weight::Essential); }
void Recorder::trainingBegan(const TrainingFacts& training) {
    writer_->push(TrainingBegan{std::make_shared<const TrainingFacts>(training), options_.clock()},
                  Weight::Essential);
}

void Recorder::trainingStepped(const TrainingStep& step) {
    writer_->push(TrainingStepRecord{step, options_.clock()}, Weight::Essential);
}

void Recorder::trainingWarned(std::int64_t step, const std::string& sentence) {
    writer_->push(TrainingWarningRecord{step, sentence}, Weight::Essential);
}

void Recorder::trainingEnded(RunOutcome outcome, const std::string& reason) {
    writer_->push(TrainingEnded{outcome, reason, options_.clock()}, Weight::Essential);
}

void Recorder::take(const ScopeRecord& scope) {
    writer_->push(scope, scope.key.op ? Weight::Detail : Weight::Structure);
}

void Recorder::take(const LayerStepRecord& step) { writer_->push(step, Weight::Essential); }

void Recorder::take(DeviceBatch batch) { writer_->pushDevice(std::move(batch)); }

// Of what the writer does not count itself.
void Recorder::take(const TraceQuality& quality) {
    DeviceBatch batch;
    const auto add = [&batch](const char* figure, std::int64_t value, const char* note) {
        if (value != 0)
            batch.figures.push_back({.figure = figure, .value = static_cast<double>(value), .note = note});
    };
    add("dropped_activity", quality.dropped, "lost by CUPTI, which had no buffer");
    add("truncated_buffers", quality.truncatedBuffers, "CUPTI's buffers that could not be read to their end");
    add("unknown_records", quality.unknownRecords, "CUPTI's records of kinds that were not asked for");
    add("late_kernels", quality.late, "whose scope was learnt only after they had been written");
    if (!isEmpty(batch)) writer_->pushDevice(std::move(batch));
}

void Recorder::take(const Shortfall& shortfall) {
    DeviceBatch batch;
    batch.collectors.push_back(missing(shortfall));
    batch.collectors.back().state = CollectorState::Stopped;
    {
        const std::lock_guard lock(runningMutex_);
        std::erase_if(running_, [&shortfall](const CollectorRecord& running) {
            return running.name == shortfall.collector;
        });
    }
    writer_->pushDevice(std::move(batch));
}

}  // namespace fluxscope
