// Reads a capture again and again, each time only what is new, and makes snapshots of what it has.
//
// It holds the file open for as long as one poll takes: a writer that finishes needs the file for itself for a moment.
// Growing tables are read from the row id reached last time. Of `layer_step` the newest step is read again, for its rows grow
// until the step has ended, and with a device's times everything behind run.settled. The small tables are read whole. When a run's
// rows were set right afterwards (run.revision), all is read afresh.
#pragma once

#include "profiler/capture/detail/growing_table.h"
#include "profiler/capture/detail/row_reader.h"
#include "profiler/capture/snapshot.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope {

class SnapshotReader {
public:
    explicit SnapshotReader(std::filesystem::path file, const std::atomic<bool>* stop = nullptr);

    // True when something has changed. Throws as openCapture does, and SQLite::Exception when the file is busy or the read
    // was stopped: nothing is lost then, the next poll goes on.
    bool poll();

    std::shared_ptr<Snapshot> snapshot();  // without generation and live, which the caller knows

private:
    struct RunShape {
        std::int32_t layers = 0;
        std::optional<std::int64_t> settled;  // rows of layer_step up to this one do not change
        std::set<SequenceIndex> sequences;
    };
    // How far a growing table has been read, and what was wrong with it.
    struct Progress {
        std::int64_t lastRow = 0;
        std::int64_t badRows = 0;
        std::int64_t badBehind = 0;  // of them, behind what has been read: they are looked at again
        std::string damage;
    };

    void table(SQLite::Database& database, const char* name, const std::function<void()>& read);
    template <class Row, class Parse>
    void grow(const char* name, SQLite::Database& database, const char* sql, GrowingTable<Row>& into,
              Parse parse);

    void startOver();
    bool readSmallTables(SQLite::Database& database);
    std::int64_t revisionsOf(SQLite::Database& database);
    void readProcesses(SQLite::Database& database, std::uint64_t& digest);
    void readEnvironment(SQLite::Database& database, std::uint64_t& digest);
    void readCollectors(SQLite::Database& database, std::uint64_t& digest);
    void readModels(SQLite::Database& database, std::uint64_t& digest);
    void readPrompts(SQLite::Database& database);
    void readRuns(SQLite::Database& database, std::uint64_t& digest);
    void readSequences(SQLite::Database& database, std::uint64_t& digest);
    void readDecisions(SQLite::Database& database);
    void readKv(SQLite::Database& database);
    void readTokens(SQLite::Database& database);
    void readLayerSteps(SQLite::Database& database);
    void readFidelity(SQLite::Database& database);
    void readEvaluations(SQLite::Database& database);
    void readTrainings(SQLite::Database& database, std::uint64_t& digest);
    void readTrainingTasks(SQLite::Database& database, std::uint64_t& digest);
    void readTrainingWarnings(SQLite::Database& database, std::uint64_t& digest);
    void readTrainingSteps(SQLite::Database& database);
    template <class Take>
    void readPartsOfSteps(SQLite::Database& database, const char* name, const char* sql,
                          std::vector<TrainingStepRow>& steps, Take take);
    TrainingRow* trainingOf(TrainingIndex training);
    const RunShape* shapeOf(RunIndex run) const;

    std::filesystem::path file_;
    const std::atomic<bool>* stop_;

    Nanoseconds identity_{};      // another file may have taken this one's place
    std::int64_t revisions_ = 0;  // of all runs
    int version_ = 0;             // of the file's schema
    std::uint64_t digest_ = 0;
    std::size_t runsWhenPromptsWereRead_ = 0;
    std::int64_t settledBadSteps_ = 0;
    bool grown_ = false;
    std::map<std::string, Progress> progress_;
    std::map<RunIndex, RunShape> shapes_;

    std::vector<std::string> losses_;  // of the file as a whole
    std::vector<ProcessRow> processes_;
    std::vector<EnvironmentRow> environment_;
    std::vector<CollectorInfo> collectors_;
    std::vector<ModelRow> models_;
    std::vector<PromptRow> prompts_;
    std::vector<RunRow> runs_;
    std::vector<SequenceRow> sequences_;
    GrowingTable<DecisionRow> decisions_;
    GrowingTable<KvRow> kv_;
    GrowingTable<TokenRow> tokens_;
    GrowingTable<LayerStepRow> layerSteps_;
    GrowingTable<FidelityRow> fidelity_;
    GrowingTable<EvaluationRow> evaluations_;
    std::vector<TrainingRow> trainings_;
    GrowingTable<TrainingStepRow> trainingSteps_;
    std::pair<std::int64_t, std::int64_t> lastTrainingStep_{-1, -1};  // training and step, read
};

}  // namespace fluxscope
