// Records runs of the engine, and trainings, into a capture: an Observer that is handed to Model::run or to a trainer.
//
//   Recorder recorder(file, {.collect = Collect::Auto});
//   if (const auto problem = recorder.status().problem) ...        // nothing will be written: go on or not, as you like
//   model.run(request, recorder, cancel);                          // any number of runs
//   recorder.finish();                                             // one file that travels
//
// While a run goes on, its decisions and tokens can be read from the file within 250 ms; so can the steps of a training. The engine's thread never waits for
// the disk: events go through a queue, and when that is full, scopes are dropped and counted, decisions, tokens and steps of a training never.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/record/collector.h"
#include "profiler/record/detail/recording_place.h"
#include "profiler/record/device_sampler.h"
#include "profiler/record/device_sink.h"
#include "profiler/record/device_tracer.h"
#include "profiler/store/capture_writer.h"
#include "profiler/store/records.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

// What a process records; another mode is another process (docs/collectors.md).
enum class Collect : std::uint8_t {
    Auto,  // the best this machine has: on a CPU the host's clock, on a GPU its trace, else the host's clock, so marked
    Off,       // decisions, KV and tokens only
    Trace,     // a GPU's kernels
    Timeline,  // those, and its counters over time; clocks are locked: no latency
    Counters,  // the bytes of each layer; eager and slow
};

// Throws UsageError, naming `where`.
Collect parseCollect(std::string_view text, const std::string& where = "--collect");
std::string_view nameOf(Collect collect);
// What a run that is recorded so is for.
RunRole roleOf(Collect collect);

struct RecorderOptions {
    Collect collect = Collect::Auto;
    bool promptText = true;  // false: a hash, and neither text, answer nor token ids of the prompt
    std::vector<EnvironmentFact> environment;  // what the caller knows; the machine's own facts are added
    std::string program;                       // empty: this build
    std::size_t queueEvents = 1 << 16;
    std::int64_t recordBudget = kRecordBudget;  // rows of each kind in a run; beyond them its sums only
    // What the process has opened for its device, and what it could not have. Not owned: they outlive the recorder.
    DeviceTracer* tracer = nullptr;
    std::vector<DeviceSampler*> samplers;
    std::vector<DeviceRecord> devices;
    std::vector<Shortfall> shortfalls;
    Clock clock = monotonicNow;
    // Of the capture's folder: is it another machine's? Then the file is recorded here and moved when it is finished.
    std::function<bool(const std::filesystem::path&)> isRemote = isOnNetwork;
};

struct RecorderStatus {
    std::int64_t dropped = 0;            // records lost to a full queue or after a problem, over all runs
    std::optional<std::string> problem;  // one sentence: why nothing is written (any more, or for the moment)
};

class Recorder final : public Observer, private RecordSink, private DeviceSink {
public:
    // Throws InputError, and leaves the file as it is, when it is there and cannot be appended to: no capture, a newer one,
    // or being written by another process. What the machine refuses (a folder, a full disk) is in status() instead, for a run
    // is worth more than its record.
    explicit Recorder(const std::filesystem::path& file, RecorderOptions options = {});
    ~Recorder() override;  // finishes

    RunIndex currentRun() const { return run_; }  // the one begun last; 0 before the first
    RecorderStatus status() const;                // from any thread
    // What a run on a device has to do without.
    const std::vector<Shortfall>& shortfalls() const { return options_.shortfalls; }
    void finish();  // not during a run; nothing is recorded afterwards

    ObserverNeeds needs() const override;
    void runBegan(const RunFacts& run) override;
    void batchBegan(BatchIndex batch, std::span<const SequenceIndex> sequences) override;
    void turnBegan(SequenceIndex sequence, TurnIndex turn, const TurnFacts& facts) override;
    void scopeOpened(const ScopeKey& key) override;
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override;
    void decided(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer,
                 const Decision& decision) override;
    void kvSettled(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer,
                   const KvFacts& kv) override;
    void tokenEmitted(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                      const TokenFacts& token) override;
    void compared(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                  const FidelityStep& fidelity) override;
    void recordingBegan(RecordingIndex recording) override;
    void recordingEnded(RecordingIndex recording) override;
    void stepReplayed(const ScopeKey& step, RecordingIndex recording,
                      std::span<const std::int64_t> attended) override;
    void runEnded(RunOutcome outcome, const std::string& reason) override;
    void sampleEvaluated(const EvaluationSample& sample) override;
    void trainingBegan(const TrainingFacts& training) override;
    void trainingStepped(const TrainingStep& step) override;
    void trainingWarned(std::int64_t step, const std::string& sentence) override;
    void trainingEnded(RunOutcome outcome, const std::string& reason) override;

private:
    void take(const ScopeRecord& scope) override;
    void take(const LayerStepRecord& step) override;
    void take(DeviceBatch batch) override;
    void take(const TraceQuality& quality) override;
    void take(const Shortfall& shortfall) override;
    void chooseCollector();
    std::string collectorOn(std::string_view device) const;
    void collectorsBegan(const std::string& device);
    void collectorsEnded();

    RecorderOptions options_;
    std::unique_ptr<Collector> collector_;  // absent: off
    RunIndex run_;
    RunIndex nextRun_;
    bool sampling_ = false;  // the samplers have been told of this run
    std::mutex runningMutex_;
    std::vector<CollectorRecord> running_;  // of this run; those that stop before its end leave
    std::optional<RecordingPlace> place_;   // absent: it cannot be had
    std::unique_ptr<class WriterThread> writer_;
    mutable std::mutex settledMutex_;
    std::optional<std::string> unsettled_;  // why the file is not where it was wanted
};

}  // namespace fluxscope
