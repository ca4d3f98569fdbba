// The prepared statements of a capture and the little that must be remembered between rows. Transactions are the caller's.
//
// Of scopes, of sums of layers and of what else a token could have been there are ten times as many as of all else in a run on a CPU: they are
// inserted many at once. Until flush() some of them are not in the file, so it comes before each commit and before anything that reads these
// tables.
#pragma once

#include "profiler/store/detail/row_batch.h"
#include "profiler/store/detail/scope_steps.h"
#include "profiler/store/records.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace fluxscope {

class RowWriter {
public:
    explicit RowWriter(SQLite::Database& database);

    std::int64_t addProcess(const ProcessRecord& process);
    void setCollector(std::int64_t process, const std::string& collector);

    void beginRun(std::int64_t process, RunIndex run, const RunFacts& facts, Nanoseconds begin,
                  bool promptText);
    void beginBatch(BatchIndex batch, std::span<const SequenceIndex> sequences);
    void add(const TurnRecord& record);
    void add(const DecisionRecord& record);
    void add(const KvRecord& record);
    void add(const TokenRecord& record);
    void add(const ScopeRecord& record);
    void leaveOut(
        const ScopeKey&
            scope);  // its layer's row in this step then refers to no scopes, for they are not whole
    void add(const LayerStepRecord& record);
    void add(const FidelityRecord& record);
    void add(const EvaluationSample& sample);
    void add(std::int64_t process, const CollectorRecord& record);
    void add(const QualityRecord& record);
    void setClockLocked();
    void setOrigin(const std::string& origin);
    void setDropped(std::int64_t records);
    void endRun(Nanoseconds end, RunOutcome outcome, const std::string& reason);

    void flush();

    std::size_t rows() const { return rows_; }  // since the beginning
    std::int64_t repeated() const { return repeated_; }

private:
    // Where the scopes of each layer of the step in progress lie, so that nobody has to search for them later.
    struct ScopeRange {
        std::int64_t first = 0;
        std::int64_t last = 0;
        bool isWhole = true;
    };
    struct Generated {
        std::int64_t nextPosition = 0;
        std::int64_t bytes = 0;
    };

    template <class... Values>
    void insert(SQLite::Statement& statement, const Values&... values);
    std::int64_t modelOf(const ModelFacts& model);
    std::int64_t promptOf(const SequenceFacts& sequence, bool withText);
    void addPromptTokens(SequenceIndex sequence, const SequenceFacts& facts);
    void addPromptToken(SequenceIndex sequence, TurnIndex turn, std::int64_t position, TokenId token,
                        const ByteRange& range);

    SQLite::Database& database_;
    SQLite::Statement process_, collector_, environment_;
    SQLite::Statement model_, modelRow_, prompt_, promptRow_, run_, sequence_, batch_, dropped_, endRun_;
    SQLite::Statement token_, turn_, fidelity_, decision_, kv_;
    SQLite::Statement collectorState_, quality_, clockLocked_, origin_, evaluation_;
    RowBatch scope_, layerStep_, choice_;
    ScopeSteps scopeSteps_;

    void addRow(const ScopeRecord& scope);
    ScopeRange& scopesOf(const ScopeKey& scope);
    void addTurn(SequenceIndex sequence, TurnIndex turn, std::int64_t firstPosition, std::size_t tokens,
                 std::int64_t reached);

    RunIndex runIndex_;
    bool promptText_ = true;
    std::map<SequenceIndex, Generated> generated_;
    ScopeKey stepOfScopes_;
    std::map<std::int32_t, ScopeRange> scopesOfLayers_;
    std::int64_t lastScope_ =
        0;  // the row id it gets: layer_step refers to scopes before they are in the file
    std::size_t rows_ = 0;
    std::int64_t repeated_ = 0;
};

}  // namespace fluxscope
