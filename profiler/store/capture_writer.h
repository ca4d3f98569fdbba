// Writes an experiment file while runs go on. Used by one thread at a time; the only writer of its file.
//
// Rows are collected in a transaction until commit(): what is committed survives a kill of the process. checkpoint() makes it
// survive a power cut too. finish() leaves one file that travels; without it the file opens as after a crash.
// Whatever fails throws MachineError with one sentence; the file then holds what was committed before.
#pragma once

#include "profiler/store/records.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace fluxscope {

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

    void setDropped(std::int64_t records);
    void endRun(Nanoseconds end, RunOutcome outcome, const std::string& reason);

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
