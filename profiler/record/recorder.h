// Records runs of the engine into a capture: an Observer that is handed to Model::run.
//
//   Recorder recorder(file, {.collect = Collect::Auto});
//   if (const auto problem = recorder.status().problem) ...        // nothing will be written: go on or not, as you like
//   model.run(request, recorder, cancel);                          // any number of runs
//   recorder.finish();                                             // one file that travels
//
// While a run goes on, its decisions and tokens can be read from the file within 250 ms. The engine's thread never waits for
// the disk: events go through a queue, and when that is full, scopes are dropped and counted, decisions and tokens never.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/record/collector.h"
#include "profiler/store/records.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

enum class Collect : std::uint8_t {
    Auto,  // the best this build and device have: the host's clock, on CUDA too (and then marked as enqueue times)
    Off,  // decisions, KV and tokens only
};

// Throws UsageError, naming `where`.
Collect parseCollect(std::string_view text, const std::string& where = "--collect");
std::string_view nameOf(Collect collect);

struct RecorderOptions {
    Collect collect = Collect::Auto;
    bool promptText = true;  // false: a hash, and neither text, answer nor token ids of the prompt
    std::vector<EnvironmentFact> environment;  // what the caller knows; the machine's own facts are added
    std::string program;                       // empty: this build
    std::size_t queueEvents = 1 << 16;
    Clock clock = monotonicNow;
};

struct RecorderStatus {
    std::int64_t dropped = 0;            // records lost to a full queue, over all runs
    std::optional<std::string> problem;  // one sentence: why nothing is written (any more)
};

class Recorder final : public Observer, private RecordSink {
public:
    // Throws InputError, and leaves the file as it is, when it is there and cannot be appended to: no capture, a newer one,
    // or being written by another process. What the machine refuses (a folder, a full disk) is in status() instead, for a run
    // is worth more than its record.
    explicit Recorder(const std::filesystem::path& file, RecorderOptions options = {});
    ~Recorder() override;  // finishes

    RunIndex currentRun() const { return run_; }  // the one begun last; 0 before the first
    RecorderStatus status() const;                // from any thread
    void finish();                                // not during a run; nothing is recorded afterwards

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
    void runEnded(RunOutcome outcome, const std::string& reason) override;

private:
    void take(const ScopeRecord& scope) override;
    void take(const LayerStepRecord& step) override;
    std::string collectorOn(std::string_view device) const;

    const RecorderOptions options_;
    std::unique_ptr<Collector> collector_;  // absent: off
    RunIndex run_;
    RunIndex nextRun_;
    std::unique_ptr<class WriterThread> writer_;
};

}  // namespace fluxscope
