// Writes an experiment file while runs go on. Used by one thread at a time; the only writer of its file.
//
// Rows are collected in a transaction until commit(): what is committed survives a kill of the process. checkpoint() makes it
// survive a power cut too. finish() leaves one file that travels; without it the file opens as after a crash.
// Whatever fails throws MachineError with one sentence; the file then holds what was committed before.
#pragma once

#include "profiler/store/device_records.h"
#include "profiler/store/records.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace fluxscope {

// Of each kind of record: what a run may write before only its sums are kept.
inline constexpr std::int64_t kRecordBudget = 5'000'000;

class CaptureWriter {
public:
    // Creates the file, or opens it to append runs. Throws InputError, having changed nothing, when the file is there and is no
    // capture, is one of a newer FluxScope, or is being written by somebody else.
    CaptureWriter(const std::filesystem::path& file, const ProcessRecord& process);
    ~CaptureWriter();
    CaptureWriter(const CaptureWriter&) = delete;
    CaptureWriter& operator=(const CaptureWriter&) = delete;

    RunIndex nextRun() const;  // the number after the last run in the file

    void collectorBecame(const std::string& collector);
    void beginRun(RunIndex run, const RunFacts& facts, Nanoseconds begin, bool promptText);
    void beginBatch(BatchIndex batch, std::span<const SequenceIndex> sequences);

    // Into the run begun last.
    void write(const TurnRecord& turn);
    void write(const DecisionRecord& decision);
    void write(const KvRecord& kv);
    void write(const TokenRecord& token);
    void write(const ScopeRecord& scope);
    void write(const LayerStepRecord& step);
    void write(const FidelityRecord& fidelity);
    void write(const EvaluationSample& sample);    // when the run has ended
    void write(const CollectorRecord& collector);  // before the first run: of the process
    void write(const QualityRecord& figure);

    // What a device did. Names are copied; a record's place may be unknown. The overview and, for kernels, the cost table are kept
    // up with them: a layer's time is from then on that of its kernels. Beyond the record budget only these are.
    void write(std::span<const KernelRecord> kernels);
    void write(std::span<const CopyRecord> copies);
    void write(std::span<const FillRecord> fills);
    void write(std::span<const ApiRecord> calls);
    void write(std::span<const SyncRecord> syncs);
    void write(std::span<const OverheadRecord> overheads);
    void write(std::span<const GraphNodeRecord> nodes);
    void write(std::span<const SampleRecord> samples);
    void write(std::span<const TrafficRecord> traffic);
    void write(const DeviceRecord& device);
    // Once, before the run ends: finds the run's kernels of these launches and sets right what depends on them.
    void write(std::span<const LateAttribution> late);

    // Of the run begun last, and only then.
    void setRecordBudget(std::optional<std::int64_t> rows);  // absent: none
    void setClockLocked();
    // Imports: where from, and what the times of its kernels are called in the cost table instead of 'cupti'.
    void setOrigin(const std::string& origin, const std::string& timeSource);

    void setDropped(std::int64_t records);
    void endRun(Nanoseconds end, RunOutcome outcome, const std::string& reason);

    // No run goes on meanwhile; steps and warnings are of the training begun last.
    void beginTraining(const TrainingBegan& training);
    void write(const TrainingStepRecord& step);
    void write(const TrainingWarningRecord& warning);
    void endTraining(const TrainingEnded& training);

    // Begins the next transaction. False: another program holds the file, and did so for a quarter of a second; a write would wait
    // two seconds for it and then throw.
    bool tryBegin();
    std::size_t uncommittedRows() const;
    std::int64_t repeatedRows()
        const;  // left out because a row with their key was there: an engine that tells things twice
    void commit();
    void checkpoint();

    // True when everything is in the one file; false when a reader held it, and "<file>-wal" must travel along.
    bool finish();

private:
    struct Writing;
    std::unique_ptr<Writing> writing_;
};

}  // namespace fluxscope
