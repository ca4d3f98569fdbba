#include "profiler/record/recorder.h"

#include "engine/contract/error.h"
#include "profiler/record/detail/writer_thread.h"
#include "profiler/record/host_timer.h"
#include "profiler/record/machine.h"
#include "version/version.h"

#include <unistd.h>

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

}  // namespace

Collect parseCollect(std::string_view text, const std::string& where) {
    if (text == "auto") return Collect::Auto;
    if (text == "off") return Collect::Off;
    throw UsageError{where, "", "does not know '" + printable(text) + "'", "give auto or off"};
}

std::string_view nameOf(Collect collect) { return collect == Collect::Auto ? "auto" : "off"; }

Recorder::Recorder(const std::filesystem::path& file, RecorderOptions options)
    : options_(std::move(options)), nextRun_(1) {
    RecordSink& sink = *this;
    if (options_.collect == Collect::Auto) collector_ = std::make_unique<HostTimer>(options_.clock, sink);

    std::unique_ptr<CaptureWriter> writer;
    std::string problem;
    try {
        writer = std::make_unique<CaptureWriter>(file, thisProcess(options_));
        nextRun_ = writer->nextRun();
    } catch (const MachineError& e) {
        problem = e.what();
    }
    writer_ = std::make_unique<WriterThread>(std::move(writer), std::move(problem), options_.promptText,
                                             options_.queueEvents);
}

Recorder::~Recorder() = default;

RecorderStatus Recorder::status() const {
    return {.dropped = writer_->dropped(), .problem = writer_->problem()};
}

void Recorder::finish() { writer_->finish(); }

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
    writer_->push(RunBegan{run_, std::make_shared<const RunFacts>(run), collectorOn(run.device),
                           options_.clock(), writer_->dropped()},
                  Weight::Essential);
    if (collector_) collector_->runBegan(run);
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

void Recorder::runEnded(RunOutcome outcome, const std::string& reason) {
    if (collector_) collector_->runEnded();
    writer_->push(RunEnded{outcome, reason, options_.clock(), writer_->dropped()}, Weight::Essential);
}

void Recorder::take(const ScopeRecord& scope) {
    writer_->push(scope, scope.key.op ? Weight::Detail : Weight::Structure);
}

void Recorder::take(const LayerStepRecord& step) { writer_->push(step, Weight::Essential); }

}  // namespace fluxscope
